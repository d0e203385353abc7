// How easily nets are fooled: by how much is allowed, by what the attack knows, beside the hierarchy, and as images.
#include <algorithm>
#include <cmath>

#include "experiments/cli/findings_robustness.hpp"
#include "experiments/report/figure.hpp"
#include "experiments/report/overlay.hpp"
#include "experiments/report/png.hpp"
#include "framework/core/errors.hpp"

namespace strata::report {
namespace {

using cli::AnalysedRuns;
using cli::AttackedNet;
using Names = std::vector<std::string>;

// A share in percent by radius, after training, over the seeds of a series.
History by_radius(const AnalysedRuns& series, const std::function<double(const AttackedNet&, std::size_t)>& share) {
  History h;
  h.x = cli::radii(*series.runs.front());
  h.by_seed.resize(series.runs.size());
  for (std::size_t e = 0; e < h.x.size(); ++e) {
    std::vector<double> values;
    for (std::size_t s = 0; s < series.runs.size(); ++s) {
      values.push_back(100 * share(*cli::attacked_last(*series.runs[s]), e));
      h.by_seed[s].push_back(values.back());
    }
    const Interval i = mean_interval(values);
    h.mean.push_back(i.mean);
    h.low.push_back(i.low);
    h.high.push_back(i.high);
  }
  return h;
}

// Names beside dots, where there is room: to the right, to the left, above or below; else the dot has its title alone.
class DotLabels {
 public:
  DotLabels(Svg& svg, const Box& within) : svg_(svg), within_(within) {}

  void add(double x, double y, const std::string& name) {
    constexpr double height = 12;
    const double width = text_width(name, 11);
    struct Place {
      double left, top;
    };
    for (const Place& p : {Place{x + 8, y - 7}, Place{x - 8 - width, y - 7}, Place{x - width / 2, y - 19},
                           Place{x - width / 2, y + 6}}) {
      const Box box{p.left, p.top, width, height};
      const bool inside = box.x >= within_.x && box.x + box.w <= within_.x + within_.w && box.y >= within_.y &&
                          box.y + box.h <= within_.y + within_.h;
      if (!inside || std::any_of(taken_.begin(), taken_.end(), [&](const Box& b) { return meet(b, box); })) continue;
      taken_.push_back(box);
      svg_.text(box.x, box.y + height - 2, name, "s");
      return;
    }
  }
  /// A dot that no name may cover.
  void keep_clear(double x, double y) { taken_.push_back({x - 4, y - 4, 8, 8}); }

 private:
  static bool meet(const Box& a, const Box& b) {
    return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
  }
  Svg& svg_;
  Box within_;
  std::vector<Box> taken_;
};

std::string radius_label(const AnalysedRuns& series) {
  const DataGroup& group = *cli::analysis_group(*series.runs.front(), "robustness");
  return group.axis("epsilon").long_name.ends_with("l2") ? "ε (L2)" : "ε (largest change of a pixel)";
}

}  // namespace

std::optional<Figure> robustness_curves(const Study& study) {
  const auto attacked = cli::attacked_alike(study.series);
  if (attacked.empty()) return std::nullopt;
  std::vector<RuleCurve> curves;
  for (const AnalysedRuns& s : attacked) {
    curves.push_back(
        {s.rule, s.network, by_radius(s, [](const AttackedNet& net, std::size_t e) { return net.worst(e); })});
  }
  const Overlay overlay = overlay_of(study, curves);
  return Figure{
      "robustness-curves", "Robustness",
      cat("Share of the attacked validation examples that stay right under every attack within ε, after "
          "training: thick, the mean over ",
          seeds_text(study), attacked.front().runs.size() > 1 ? "; thin, each seed; the band: " : "; ",
          interval_note(study),
          ". At ε = 0 it is the clean accuracy. Whether the attacks can be believed: the checks below the table "
          "of robustness.",
          panels_note(overlay.groups.size(), overlay.all)),
      overlay_curves(overlay, "What stays right under attack, by its size", radius_label(attacked.front()), false,
                     "right, %")};
}

std::optional<Figure> robustness_by_path(const Study& study) {
  const std::vector<std::pair<Path, const char*>> paths{{Path::gradient, "along the true gradient"},
                                                        {Path::feedback, "along the rule's feedback path"},
                                                        {Path::transfer, "carried over from another net"},
                                                        {Path::query, "by queries"},
                                                        {Path::noise, "noise"}};
  auto attacked = cli::attacked_alike(study.series);
  const auto curve = [](const AnalysedRuns& s, Path path) {
    return by_radius(s, [path](const AttackedNet& net, std::size_t e) { return net.least(path, e); });
  };
  const auto there = [](const History& h) {
    return std::any_of(h.mean.begin(), h.mean.end(), [](double v) { return std::isfinite(v); });
  };
  // Of interest where there are two to compare.
  std::erase_if(attacked, [&](const AnalysedRuns& s) {
    return std::count_if(paths.begin(), paths.end(), [&](auto& p) { return there(curve(s, p.first)); }) < 2;
  });
  if (attacked.empty()) return std::nullopt;
  std::vector<LegendItem> items;
  const auto look = [](std::size_t p) { return cat(p == 1 ? "line dashed l" : "line l", p); };  // the two may coincide
  for (std::size_t p = 0; p < paths.size(); ++p) {
    const auto shows = [&](const AnalysedRuns& s) { return there(curve(s, paths[p].first)); };
    if (std::any_of(attacked.begin(), attacked.end(), shows)) items.push_back({paths[p].second, look(p)});
  }
  const PanelGrid grid(study, pointers_to(attacked), 130, legend_height(figure_width - 60, items) + 4);
  Svg svg(figure_width, grid.height(), "What stays right, by what the attack knows");
  legend(svg, 52, 0, figure_width - 60, items);
  const Axis x{0, cli::radii(*attacked.front().runs.front()).back() * 1.02, false, radius_label(attacked.front())};
  const Axis y{0, 100, false, "right, %"};
  double widest = 0;
  std::string where;
  for (const PanelGrid::Cell& cell : grid.cells()) {
    Panel panel(svg, cell.box, x, y, cell.title);
    for (std::size_t p = 0; p < paths.size(); ++p) {
      const History h = curve(*cell.series, paths[p].first);
      panel.band(h.x, h.low, h.high, cat("band b", p));
      panel.curve(h.x, h.mean, look(p));
    }
    const History truth = curve(*cell.series, Path::gradient), feedback = curve(*cell.series, Path::feedback);
    for (std::size_t e = 0; e < truth.x.size(); ++e) {
      const double gap = feedback.mean[e] - truth.mean[e];
      if (!(gap > widest)) continue;
      widest = gap;
      where =
          cat(cell.title, " at ε = ", truth.x[e], ": ", cli::decimal(feedback.mean[e], 1),
              " % stay right along the feedback path, ", cli::decimal(truth.mean[e], 1), " % along the true gradient");
    }
  }
  return Figure{
      "robustness-by-path", "What an attack knows",
      cat("The same by kind of attack, the strongest of each. Where the feedback path's line lies above the true "
          "gradient's, an attack along it measures the path and not the net.",
          where.empty() ? "" : cat(" Most so under ", where, "."), grid.note()),
      std::move(svg)};
}

std::optional<Figure> robustness_and_hierarchy(const Study& study) {
  const auto attacked = cli::attacked_alike(study.series);
  if (attacked.empty()) return std::nullopt;
  const auto& epsilons = cli::radii(*attacked.front().runs.front());
  const std::size_t middle = epsilons.size() / 2;
  const cli::Reading share = cli::prior_share(Scaling::scaled, cli::Moment::last);
  const cli::Reading worst = [middle](const RunRecord& run) { return 100 * cli::attacked_last(run)->worst(middle); };
  std::vector<double> xs, ys;
  Names networks;
  for (const AnalysedRuns& s : attacked) {
    const auto x = cli::readings(s, share), y = cli::readings(s, worst);
    if (without_nan(x).empty()) continue;
    cli::add_missing(networks, s.network);
    xs.insert(xs.end(), x.begin(), x.end());
    ys.insert(ys.end(), y.begin(), y.end());
  }
  if (networks.empty()) return std::nullopt;
  constexpr std::size_t most = 6;
  const std::size_t all = networks.size();
  if (all > most) networks.resize(most);
  const std::size_t columns = panel_columns(networks.size());
  const double h = columns == 1 ? 340 : 260, pitch = figure_width / static_cast<double>(columns);
  const auto rows = static_cast<double>((networks.size() + columns - 1) / columns);
  Svg svg(figure_width, rows * (h + 66), "Hierarchy and robustness");
  const Axis x = axis_over(xs, "share of the strongest sources in the layer just before (scaled)");
  Axis y = axis_over(ys, cat("right under every attack at ε = ", epsilons[middle], ", %"));
  y.low = std::max(y.low, 0.0);
  for (std::size_t n = 0; n < networks.size(); ++n) {
    const Box box{static_cast<double>(n % columns) * pitch + 52, static_cast<double>(n / columns) * (h + 66) + 26,
                  pitch - 66, h};
    Panel panel(svg, box, x, y, networks.size() == 1 && all == 1 ? "" : networks[n]);
    struct Mean {
      double x, y;
      std::string rule;
    };
    std::vector<Mean> means;
    for (const AnalysedRuns& s : attacked) {
      if (s.network != networks[n]) continue;
      const auto seeds_x = cli::readings(s, share), seeds_y = cli::readings(s, worst);
      const std::string look = cat("f", study.panel_colour(s.rule));
      for (std::size_t i = 0; i < seeds_x.size(); ++i) panel.dot(seeds_x[i], seeds_y[i], look + " small", s.rule, 2.5);
      const double mx = mean(seeds_x), my = mean(seeds_y);
      if (!std::isfinite(mx) || !std::isfinite(my)) continue;
      panel.dot(mx, my, look, s.rule, 4.5);
      means.push_back({panel.x(mx), panel.y(my), s.rule});
    }
    DotLabels labels(svg, box);
    for (const Mean& m : means) labels.keep_clear(m.x, m.y);
    for (const Mean& m : means) labels.add(m.x, m.y, m.rule);
  }
  return Figure{"robustness-and-hierarchy", "Hierarchy and robustness",
                cat("Each rule's mean over ", seeds_text(study),
                    " (large) and its seeds (small), after training. Rank correlations with their intervals, with what "
                    "accuracy and weights explain and without: claim C5 below.",
                    panels_note(networks.size(), all)),
                std::move(svg)};
}

std::optional<Figure> adversarial_images(const Study& study) {
  // A row for each rule on the network of the first that kept some: its first run, after training.
  struct Row {
    std::string rule;
    const DataGroup* group;
  };
  std::vector<Row> rows;
  std::string network;
  for (const AnalysedRuns& s : analysed_series(study, "adversarial")) {
    const DataGroup* group = cli::analysis_group(*s.runs.front(), "adversarial");
    if (cli::integer_note(*group, "channels", 0) == 0) continue;
    if (!rows.empty() &&
        (s.network != network || group->axis("example").labels != rows[0].group->axis("example").labels ||
         group->axis("epsilon").labels != rows[0].group->axis("epsilon").labels)) {
      continue;
    }
    network = s.network;
    rows.push_back({s.rule, group});
  }
  if (rows.empty()) return std::nullopt;
  const DataGroup& first = *rows.front().group;
  const auto side = [&](const char* name) { return static_cast<std::size_t>(cli::integer_note(first, name, 0)); };
  const std::size_t channels = side("channels"), height = side("height"), width = side("width");
  const std::size_t features = channels * height * width;
  if ((channels != 1 && channels != 3) || first.axis("feature").size() != features) return std::nullopt;
  const auto& epsilons = std::get<std::vector<double>>(first.axis("epsilon").labels);
  const auto& labels = first.integers("label");
  const auto& clean = std::get<std::vector<float>>(first.array("clean").values);
  const auto [low, high] = std::minmax_element(clean.begin(), clean.end());
  const auto image = [&](const std::vector<float>& from, std::size_t at) {
    return png_data(std::span(from).subspan(at * features, features), channels, height, width, *low, *high);
  };
  constexpr double left = 110, top = 40, gap = 6, group_gap = 16;
  const std::size_t examples = std::min<std::size_t>(first.axis("example").size(), 3);
  std::vector<std::size_t> shown;  // radii: of many, the largest
  for (std::size_t e = epsilons.size() > 4 ? epsilons.size() - 4 : 0; e < epsilons.size(); ++e) shown.push_back(e);
  const auto columns = static_cast<double>(examples * shown.size());
  const double room = figure_width - left - columns * gap - static_cast<double>(examples) * group_gap;
  const double w = std::min(84.0, room / columns), h = w * static_cast<double>(height) / static_cast<double>(width);
  Svg svg(figure_width, top + static_cast<double>(rows.size()) * (h + 22), "Adversarial images");
  const auto column_x = [&](std::size_t example, std::size_t column) {
    return left + static_cast<double>(example * shown.size() + column) * (w + gap) +
           static_cast<double>(example) * group_gap;
  };
  for (std::size_t i = 0; i < examples; ++i) {
    svg.text(column_x(i, 0), 14, cat("of class ", labels[i]), "h");
    for (std::size_t c = 0; c < shown.size(); ++c) svg.text(column_x(i, c), 32, cat("ε = ", epsilons[shown[c]]), "s");
  }
  std::string attack;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const DataGroup& g = *rows[r].group;
    const auto& attacks = std::get<Names>(g.axis("attack").labels);
    // The last that follows the true gradient, else the first there is.
    std::size_t k = 0;
    for (std::size_t a = 0; a < attacks.size(); ++a) {
      if (cli::path_of(attacks[a]) == Path::gradient) k = a;
    }
    if (r == 0) attack = attacks[k];
    const double y = top + static_cast<double>(r) * (h + 22);
    svg.text(left - 8, y + h / 2 + 4, fitted(rows[r].rule, left - 12), "t", "end");
    const auto& x = std::get<std::vector<float>>(g.array("x").values);
    const auto& decided = g.integers("decided");
    const std::size_t snapshot = g.axis("snapshot").size() - 1, kept = g.axis("example").size();
    for (std::size_t i = 0; i < examples; ++i) {
      for (std::size_t c = 0; c < shown.size(); ++c) {
        const std::size_t at = ((snapshot * kept + i) * attacks.size() + k) * epsilons.size() + shown[c];
        const std::string said = decided[at] == labels[i] ? cat(decided[at]) : cat(decided[at], " ✗");
        svg.image(column_x(i, c), y, w, h, image(x, at), cat(rows[r].rule, ": decides for ", decided[at]));
        svg.text(column_x(i, c), y + h + 13, said, "s");
      }
    }
  }
  return Figure{"adversarial-images", "Adversarial images",
                cat("What ", attack, " made of the first validation examples within ε",
                    study.networks.size() > 1 ? cat(" on ", network) : "",
                    ", each rule's first seed after training, and the class that the net then decides for (✗: a wrong "
                    "one)."),
                std::move(svg)};
}

}  // namespace strata::report
