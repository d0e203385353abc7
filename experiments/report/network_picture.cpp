#include "experiments/report/network_picture.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "experiments/cli/text.hpp"
#include "framework/core/errors.hpp"

namespace strata::report {
namespace {

constexpr std::size_t most_queries_a_layer = 64;

int input_units(const RunRecord& run) {
  try {
    const auto config = nlohmann::json::parse(run.provenance.at("config").get<std::string>());
    double units = 1;
    for (const auto& d : config.at("network").at("graph").at("input")) units *= d.get<double>();
    return static_cast<int>(units);
  } catch (const nlohmann::json::exception&) {
    return 1;  // drawn as a single unit rather than not at all
  }
}

std::vector<std::vector<NeuronSources::Source>> sources_at(const DataGroup& g, std::size_t snapshot,
                                                           const std::vector<std::size_t>& queries,
                                                           const std::string& suffix) {
  const std::size_t k = g.axis("rank").size(), all = g.axis("query").size();
  const auto& layer = g.integers("topk_layer" + suffix);
  const auto& neuron = g.integers("topk_neuron" + suffix);
  const auto& score = g.doubles("topk_score" + suffix);
  const auto& with_sign = g.doubles("topk_signed" + suffix);
  std::vector<std::vector<NeuronSources::Source>> found;
  for (const std::size_t q : queries) {
    found.emplace_back();
    for (std::size_t r = 0; r < k; ++r) {
      const std::size_t i = (snapshot * all + q) * k + r;
      if (layer[i] >= 0) found.back().push_back({layer[i], neuron[i], score[i], with_sign[i]});
    }
  }
  return found;
}

NeuronSources sources_of(const cli::AnalysedRuns& series, const RunRecord& run) {
  const DataGroup& attribution = *cli::analysis_group(run, "attribution");
  const DataGroup& hierarchy = *cli::analysis_group(run, "hierarchy");
  const DataGroup& gradient = *cli::analysis_group(run, "gradient");
  NeuronSources s;
  s.rule = series.rule;
  s.network = series.network;
  s.seed = run.seed;
  s.layers = std::get<std::vector<std::string>>(attribution.axis("layer").labels);
  const std::size_t n = s.layers.size();
  s.units.assign(n, 0);
  s.units[0] = input_units(run);
  for (const std::int32_t l : gradient.integers("neuron_layer")) ++s.units.at(static_cast<std::size_t>(l) + 1);
  for (const int units : s.units) s.image.push_back({units, 1, 1});
  if (cli::has_variable(attribution, "channels")) {
    std::size_t d = 0;
    for (const char* name : {"channels", "height", "width"}) {
      const auto& sizes = attribution.integers(name);
      for (std::size_t l = 0; l < n; ++l) s.image[l][d] = sizes.at(l);
      ++d;
    }
  }
  s.depth.assign(1, 0);
  for (const std::int32_t d : hierarchy.integers("depth")) s.depth.push_back(d);
  const auto& hops = hierarchy.integers("hop_distance");
  s.hops.assign(n, std::vector<int>(n, 0));
  for (std::size_t t = 1; t < n; ++t) {
    for (std::size_t from = 0; from < n; ++from) s.hops[t][from] = hops.at((t - 1) * n + from);
  }
  const auto& epochs = std::get<std::vector<std::int32_t>>(attribution.axis("snapshot").labels);
  std::vector<std::size_t> snapshots{0};
  if (epochs.size() > 1) snapshots.push_back(epochs.size() - 1);
  const auto& layer = attribution.integers("query_layer");
  const auto& neuron = attribution.integers("query_neuron");
  std::vector<std::size_t> kept(n, 0), queries;
  for (std::size_t q = 0; q < layer.size(); ++q) {
    if (kept.at(static_cast<std::size_t>(layer[q]))++ >= most_queries_a_layer) continue;
    queries.push_back(q);
    s.queries.emplace_back(layer[q], neuron[q]);
  }
  for (const std::size_t at : snapshots) {
    s.epochs.push_back(epochs[at]);
    s.scaled.push_back(sources_at(attribution, at, queries, ""));
    s.raw.push_back(sources_at(attribution, at, queries, "_raw"));
  }
  return s;
}

constexpr double picture_width = 490, panel_height = 250, strip = 140, strip_top = 66;

struct Point {
  double x, y;
};

// Where a layer's neurons are drawn: a flat layer's below each other, feature maps as a stack of planes, the first in front.
struct Column {
  double x, top, height, width;  // what the whole takes; x is its middle
  std::array<int, 3> image;
  Point first;                // neuron 0
  Point channel;              // from there to the next channel
  double next_col, next_row;  // to the next neuron of a row, and of a column

  bool flat() const { return image[1] * image[2] == 1; }
  // How far the last plane stands behind the first, up and to the right.
  double depth() const { return flat() ? 0 : channel.x * (image[0] - 1); }
  double plane_width() const { return next_col * image[2]; }
  double plane_height() const { return next_row * image[1]; }
  Point at(int neuron) const {
    const int map = neuron / (image[1] * image[2]), row = neuron / image[2] % image[1], col = neuron % image[2];
    return {first.x + map * channel.x + col * next_col, first.y + map * channel.y + row * next_row};
  }
};

std::vector<Column> columns_of(const NeuronSources& s, double y0) {
  const auto n = static_cast<double>(s.layers.size());
  const double pitch = (picture_width - 70) / std::max(n - 1, 1.0);
  const int most = *std::max_element(s.units.begin(), s.units.end());
  std::vector<Column> columns;
  int widest = 1, most_maps = 1;
  for (const auto& image : s.image) {
    if (image[1] * image[2] == 1) continue;
    widest = std::max(widest, image[2]);
    most_maps = std::max(most_maps, image[0]);
  }
  for (std::size_t l = 0; l < s.layers.size(); ++l) {
    // Roots of sizes, since the input is many times wider than the output.
    const auto share = [](int size, int of) {
      return 0.25 + 0.75 * std::sqrt(size / static_cast<double>(std::max(of, 1)));
    };
    Column c{35 + pitch * static_cast<double>(l), 0, 0, 0, s.image[l], {}, {}, 0, 0};
    const auto [maps, rows, cols] = c.image;
    if (c.flat()) {
      c.height = strip * share(maps, most);
      c.width = std::clamp(pitch * 0.35, 2.0, 14.0);
      c.top = y0 + strip_top + (strip - c.height) / 2;
      c.channel = {0, c.height / std::max(maps, 1)};
      c.first = {c.x, c.top + c.channel.y / 2};
    } else {
      const double room = std::clamp(pitch * 0.75, 6.0, 80.0);
      const double plane = room * 0.65 * share(cols, widest),
                   tall = plane * std::min(rows / static_cast<double>(cols), 1.5);
      const double shift = maps > 1 ? room * 0.35 * share(maps, most_maps) : 0;
      c.width = plane + shift;
      c.height = tall + shift;
      c.top = y0 + strip_top + (strip - c.height) / 2;
      c.next_col = plane / cols;
      c.next_row = tall / rows;
      const double step = shift / std::max(maps - 1, 1);
      c.channel = {step, -step};
      c.first = {c.x - c.width / 2 + c.next_col / 2, c.top + shift + c.next_row / 2};
    }
    columns.push_back(c);
  }
  return columns;
}

void draw_net(Svg& svg, const NeuronSources& s, const std::vector<Column>& columns, double y0) {
  LabelRow names(svg, y0 + strip_top + strip + 16, 6);
  for (std::size_t t = 0; t < columns.size(); ++t) {
    const Column& c = columns[t];
    for (std::size_t from = 0; from < t; ++from) {
      if (s.hops[t][from] != 1) continue;
      const Column& b = columns[from];
      if (s.depth[t] - s.depth[from] <= 1) {
        const double from_x = b.x + b.width / 2, to_x = c.x - c.width / 2;
        svg.line(from_x, b.top, to_x, c.top + c.depth(), "wire");
        svg.line(from_x, b.top + b.height - b.depth(), to_x, c.top + c.height, "wire");
      } else {
        const double up = y0 + 30 + 20.0 / (s.depth[t] - s.depth[from]);
        svg.path(cat("M", coordinate(b.x), ' ', coordinate(b.top), " C", coordinate(b.x), ' ', coordinate(up), ' ',
                     coordinate(c.x), ' ', coordinate(up), ' ', coordinate(c.x), ' ', coordinate(c.top)),
                 "skipwire");
      }
    }
    const std::string says = cat(s.layers[t], ": ", s.units[t], " neurons");
    if (c.flat()) {
      svg.rectangle(c.x - c.width / 2, c.top, c.width, c.height, "column", says);
    } else {
      const auto [maps, rows, cols] = c.image;
      const int planes = std::min(maps, 5);
      for (int p = planes - 1; p >= 0; --p) {
        const int map = planes > 1 ? p * (maps - 1) / (planes - 1) : 0;
        const Point corner = c.at(map * rows * cols);
        svg.rectangle(corner.x - c.next_col / 2, corner.y - c.next_row / 2, c.plane_width(), c.plane_height(), "column",
                      cat(says, ", ", maps, " maps of ", rows, " × ", cols));
      }
    }
    names.add(c.x, s.layers[t]);
  }
}

std::string with_digits(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*g", digits, value);
  return text;
}

std::string neuron_name(const NeuronSources& s, int layer, int neuron) {
  return cat(s.layers[static_cast<std::size_t>(layer)], ":", neuron);
}

// With its place, if it has one.
std::string neuron_title(const NeuronSources& s, int layer, int neuron) {
  const auto [maps, rows, cols] = s.image[static_cast<std::size_t>(layer)];
  const std::string name = neuron_name(s, layer, neuron);
  if (rows * cols == 1) return name;
  return cat(name, " (channel ", neuron / (rows * cols), ", row ", neuron / cols % rows, ", column ", neuron % cols,
             ")");
}

void draw_pick(Svg& svg, const NeuronSources& s, const std::vector<Column>& columns, std::size_t snapshot,
               std::size_t query, double y0) {
  std::string geometry;
  for (const Column& c : columns) {
    // Steps from neuron to neuron are fractions of a pixel.
    geometry += cat(geometry.empty() ? "" : " ", coordinate(c.first.x), ",", coordinate(c.first.y));
    for (const double step : {c.channel.x, c.channel.y, c.next_col, c.next_row})
      geometry += cat(",", with_digits(step, 5));
  }
  svg.begin_group(cat("class=\"pick\" data-snapshot=\"", snapshot, "\" data-text-y=\"",
                      coordinate(y0 + strip_top + strip + 34), "\" data-columns=\"", geometry, "\""));
  const auto [layer, neuron] = s.queries[query];
  const Column& target = columns[static_cast<std::size_t>(layer)];
  const auto [tx, ty] = target.at(neuron);
  const auto& sources = s.scaled[snapshot][query];
  const double strongest = sources.empty() ? 1 : sources.front().score;
  for (const auto& source : sources) {
    const Column& c = columns[static_cast<std::size_t>(source.layer)];
    const auto [x, y] = c.at(source.neuron);
    const double middle = (x + tx) / 2;
    svg.path(cat("M", coordinate(x), ' ', coordinate(y), " C", coordinate(middle), ' ', coordinate(y), ' ',
                 coordinate(middle), ' ', coordinate(ty), ' ', coordinate(tx), ' ', coordinate(ty)),
             source.with_sign < 0 ? "edge negative" : "edge", 0.8 + 4.2 * source.score / strongest);
  }
  std::string text;
  for (const auto& source : sources) {
    const Column& c = columns[static_cast<std::size_t>(source.layer)];
    const std::string name = neuron_name(s, source.layer, source.neuron);
    const std::string score = with_digits(source.score, 3);
    const auto [x, y] = c.at(source.neuron);
    svg.circle(x, y, 4.5, source.with_sign < 0 ? "source minus" : "source",
               cat(neuron_title(s, source.layer, source.neuron), ": ", score));
    text += cat(text.empty() ? "" : "  ·  ", name, " ", score);
  }
  svg.circle(tx, ty, 6, "picked", neuron_title(s, layer, neuron));
  svg.text(20, y0 + strip_top + strip + 34,
           fitted(sources.empty() ? "no sources: its activation never changes" : text, picture_width - 24, 11), "s");
  svg.end_group();
}

}  // namespace

std::vector<NeuronSources> neuron_sources(const Study& study) {
  std::vector<NeuronSources> all;
  for (const cli::AnalysedRuns& series : study.series) {
    for (const RunRecord* run : series.runs) {
      const auto has = [&](const char* group) { return cli::analysis_group(*run, group) != nullptr; };
      if (!has("attribution") || !has("hierarchy") || !has("gradient")) continue;
      all.push_back(sources_of(series, *run));
      break;
    }
  }
  return all;
}

std::size_t first_query(const NeuronSources& of) {
  // The last hidden layer is the one before the output, which is the last.
  const int wanted = std::max(1, static_cast<int>(of.layers.size()) - 2);
  for (std::size_t q = 0; q < of.queries.size(); ++q) {
    if (of.queries[q].first == wanted && !of.scaled.back()[q].empty()) return q;
  }
  return 0;
}

std::vector<NetworkPicture> network_pictures(const Study& study, const std::vector<NeuronSources>& all) {
  std::vector<NetworkPicture> pictures;
  std::set<std::string> drawn;
  for (const std::string& rule : study.rules) {
    for (const NeuronSources& s : all) {
      if (s.rule != rule || s.queries.empty() || !drawn.insert(s.network).second) continue;
      const std::size_t query = first_query(s);
      Svg svg(picture_width, panel_height * static_cast<double>(s.epochs.size()),
              cat("Network ", s.network, ", a neuron and its strongest sources"));
      for (std::size_t snapshot = 0; snapshot < s.epochs.size(); ++snapshot) {
        const double y0 = panel_height * static_cast<double>(snapshot);
        const std::int32_t epoch = s.epochs[snapshot];
        svg.text(
            20, y0 + 18,
            fitted(cat(s.network, epoch == 0 ? ", before training" : cat(", after epoch ", epoch)), picture_width - 24),
            "h");
        const auto columns = columns_of(s, y0);
        draw_net(svg, s, columns, y0);
        draw_pick(svg, s, columns, snapshot, query, y0);
      }
      pictures.push_back({{cat("network-", s.network), s.network,
                           cat("Neuron ", neuron_name(s, s.queries[query].first, s.queries[query].second),
                               " (blue) under ", s.rule, ", seed ", s.seed, ", and its strongest sources."),
                           std::move(svg)},
                          &s});
    }
  }
  return pictures;
}

nlohmann::ordered_json short_number(double value, int digits) {
  if (!std::isfinite(value)) return nullptr;
  return std::strtod(with_digits(value, digits).c_str(), nullptr);
}

nlohmann::ordered_json to_json(const std::vector<NeuronSources>& all) {
  auto array = nlohmann::ordered_json::array();
  const auto sources = [](const std::vector<std::vector<std::vector<NeuronSources::Source>>>& by_snapshot) {
    auto out = nlohmann::ordered_json::array();
    for (const auto& queries : by_snapshot) {
      auto of_snapshot = nlohmann::ordered_json::array();
      for (const auto& query : queries) {
        auto of_query = nlohmann::ordered_json::array();
        for (const auto& s : query) {
          of_query.push_back({s.layer, s.neuron, short_number(s.score, 3), s.with_sign < 0 ? -1 : 1});
        }
        of_snapshot.push_back(std::move(of_query));
      }
      out.push_back(std::move(of_snapshot));
    }
    return out;
  };
  for (const NeuronSources& s : all) {
    auto queries = nlohmann::ordered_json::array();
    for (const auto& [layer, neuron] : s.queries) queries.push_back({layer, neuron});
    array.push_back({{"rule", s.rule},
                     {"network", s.network},
                     {"seed", s.seed},
                     {"layers", s.layers},
                     {"units", s.units},
                     {"image", s.image},
                     {"epochs", s.epochs},
                     {"queries", std::move(queries)},
                     {"scaled", sources(s.scaled)},
                     {"raw", sources(s.raw)}});
  }
  return array;
}

}  // namespace strata::report
