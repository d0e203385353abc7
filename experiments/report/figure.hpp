// The pictures of a report. Each is made of a study, or absent where the runs have nothing to show in it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "experiments/report/panel.hpp"
#include "experiments/report/study.hpp"
#include "experiments/report/svg.hpp"

namespace strata::report {

struct Figure {
  std::string name;      ///< of its file and of its place in the page: "learning-curves"
  std::string title;     ///< "Learning curves"
  std::string sentence;  ///< what it shows
  Svg svg;
};

std::optional<Figure> learning_curves(const Study& study);
std::optional<Figure> final_accuracy(const Study& study);
std::optional<Figure> accuracy_by_time(const Study& study);
std::optional<Figure> gradient_by_depth(const Study& study);
std::optional<Figure> gradient_by_epoch(const Study& study);
std::optional<Figure> angles_to_backprop(const Study& study);
std::optional<Figure> distances_of_sources(const Study& study);
std::optional<Figure> layer_similarity(const Study& study);
std::optional<Figure> robustness_curves(const Study& study);
std::optional<Figure> robustness_by_path(const Study& study);
std::optional<Figure> robustness_and_hierarchy(const Study& study);
std::optional<Figure> adversarial_images(const Study& study);
std::optional<Figure> search_curves(const Study& study);

/// What a search chose, beside search_curves; without rows if there was none.
cli::Table search_table(const Study& study);

inline constexpr double figure_width = 1000;

/// Where the panels of a picture lie: in a row for each rule and a column for each network where there are two to four
/// networks, else one after the other.
class PanelGrid {
 public:
  struct Cell {
    const cli::AnalysedRuns* series;
    Box box;  ///< of the data
    std::string title;
  };
  /// `head` pixels are kept free on top, `foot` below.
  PanelGrid(const Study& study, const std::vector<const cli::AnalysedRuns*>& shown, double panel_height, double head,
            double foot = 0, double left_margin = 52);

  /// Of a grid of these series.
  static std::size_t columns(const std::vector<const cli::AnalysedRuns*>& shown);

  double height() const { return height_; }
  const std::vector<Cell>& cells() const { return cells_; }
  /// "" or how many panels were left out.
  const std::string& note() const { return note_; }

 private:
  std::vector<Cell> cells_;
  double height_ = 0;
  std::string note_;
};

/// How many panels stand side by side where nothing else decides.
std::size_t panel_columns(std::size_t panels);

/// "" or that only the first `shown` of so many panels are there.
std::string panels_note(std::size_t shown, std::size_t panels);

/// What panels show in `Study::panel_colour`.
std::string after_training(const Study& study);

/// "fa" or "fa on deep", as there is one network or several.
std::string series_name(const Study& study, const cli::AnalysedRuns& series);

/// A colour bar with its two ends named. Returns its height.
double colour_bar(Svg& svg, double x, double y, const std::string& low, const std::string& high,
                  const std::string& what);

}  // namespace strata::report
