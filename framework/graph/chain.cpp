#include <algorithm>

#include "framework/core/errors.hpp"
#include "framework/graph/graph_spec.hpp"

namespace strata {
namespace {

using Json = nlohmann::ordered_json;

bool is_image(const Shape& shape) { return shape.size() == 3; }

class ChainWriter {
 public:
  explicit ChainWriter(const ChainSpec& chain) : chain_(chain), layers_(static_cast<int>(chain.hidden.size())) {}

  GraphSpec write() {
    check();
    graph_.input = chain_.input;
    std::string below = "input";
    reads_.push_back(chain_.input);
    for (int l = 1; l <= layers_ + 1; ++l) below = layer(l, below);
    graph_.output = "logits";
    return std::move(graph_);
  }

 private:
  const HiddenLayer& hidden(int l) const { return chain_.hidden[static_cast<std::size_t>(l - 1)]; }
  Index width(int l) const { return l > layers_ ? chain_.outputs : hidden(l).width; }
  bool convolves(int l) const { return l <= layers_ && hidden(l).convolution.has_value(); }
  bool has_norm(int l) const { return l <= layers_ && chain_.norm != "none"; }
  std::string label(int l) const { return l > layers_ ? "the output layer" : cat("hidden layer ", l); }

  void check() const {
    if (chain_.outputs < 1) throw UsageError(cat("network: ", chain_.outputs, " outputs: expected at least 1"));
    for (const HiddenLayer& layer : chain_.hidden) {
      if (layer.width < 1) throw UsageError(cat("--hidden: a layer of ", layer.width, " units: expected at least 1"));
    }
    const auto& norms = norm_names();
    if (std::find(norms.begin(), norms.end(), chain_.norm) == norms.end()) {
      throw UsageError(cat("--norm: ", unknown_name("normalisation", chain_.norm, norms)));
    }
    for (std::size_t i = 0; i < chain_.skips.size(); ++i) {
      const Skip s = chain_.skips[i];
      if (s.from < 1 || s.from > layers_ || s.to < 1 || s.to > layers_ + 1) {
        throw UsageError(cat(name_of(s), ": expected FROM in 1…", layers_, " and TO in 2…", layers_ + 1, " (", layers_,
                             " hidden layers, then the output layer)"));
      }
      if (s.to <= s.from) throw UsageError(cat(name_of(s), ": a skip goes forward: expected TO greater than FROM"));
      for (std::size_t j = 0; j < i; ++j) {
        if (chain_.skips[j].from == s.from && chain_.skips[j].to == s.to)
          throw UsageError(cat(name_of(s), " is given twice"));
      }
    }
  }

  static std::string name_of(const Skip& s) { return cat("--skip ", s.from, ":", s.to); }

  std::string node(const std::string& name, const std::string& type, std::vector<std::string> inputs,
                   Json attributes = Json::object()) {
    graph_.nodes.push_back({name, type, std::move(inputs), std::move(attributes)});
    return name;
  }

  Json weights(Json attributes, bool bias) const {
    attributes["bias"] = bias;
    attributes["init"] = chain_.init;
    if (chain_.init_gain != 1) attributes["gain"] = chain_.init_gain;
    return attributes;
  }

  std::string dense(const std::string& name, const std::string& input, Index units, bool bias) {
    return node(name, "dense", {input}, weights({{"units", units}}, bias));
  }

  std::string conv(const std::string& name, const std::string& input, Index channels, const Window& w, bool bias) {
    Json a{{"channels", channels}, {"size", to_json(w.size)}};
    if (w.stride != Extents{1, 1}) a["stride"] = to_json(w.stride);
    if (w.padding != Extents{0, 0}) a["padding"] = to_json(w.padding);
    if (w.dilation != Extents{1, 1}) a["dilation"] = to_json(w.dilation);
    return node(name, "conv2d", {input}, weights(std::move(a), bias));
  }

  std::string norm(const std::string& name, const std::string& input, Index channels) {
    Json attributes = Json::object();
    if (chain_.norm == "group") attributes["groups"] = channels % 8 == 0 ? channels / 8 : 1;
    return node(name, cat(chain_.norm, "_norm"), {input}, attributes);
  }

  // What layer l reads, flat if it must be.
  std::string flat(int l, const std::string& below) {
    const Shape& shape = reads_.back();
    if (shape.size() < 2 || convolves(l)) return below;
    const bool pooled = l > layers_ && chain_.global_pool;
    reads_.back() = {pooled ? shape[0] : features(shape)};
    return pooled ? node("pooled", "global_average_pool", {below}) : node("flat", "flatten", {below});
  }

  // The skip's own weights, from what layer `from` gives on to a pre-activation of shape `to`.
  std::string project(const Skip& s, const Shape& to) {
    const Shape& from = shape_[static_cast<std::size_t>(s.from - 1)];
    const std::string source = gives_[static_cast<std::size_t>(s.from - 1)];
    const std::string ends = cat(s.from, "_", s.to);
    const bool with_norm = has_norm(s.to);
    std::string out;
    if (is_image(to) && is_image(from)) {
      Window w{{1, 1}};
      for (std::size_t d = 0; d < 2; ++d) w.stride[d] = (from[1 + d] + to[1 + d] - 1) / to[1 + d];
      const Extents got = w.output("conv2d", from);
      if (got != Extents{to[1], to[2]}) {
        throw ShapeError(cat(name_of(s), ": ", label(s.from), " has shape ", to_string(from), ", ", label(s.to), " ",
                             to_string(to), ": no stride makes the one fit the other"));
      }
      out = conv(cat("p", ends), source, to[0], w, false);
    } else if (is_image(to)) {
      throw ShapeError(cat(name_of(s), ": ", label(s.from), " has shape ", to_string(from), ", ", label(s.to), " ",
                           to_string(to), ": a skip from a flat layer cannot join images"));
    } else {
      out = dense(cat("p", ends), is_image(from) ? node(cat("f", ends), "flatten", {source}) : source, to[0], false);
    }
    return with_norm ? norm(cat("q", ends), out, to[0]) : out;
  }

  void check_added(const Skip& s, const Shape& to) const {
    const Shape& from = shape_[static_cast<std::size_t>(s.from - 1)];
    if (from == to) return;
    throw ShapeError(cat(name_of(s), ": ", label(s.from), " has shape ", to_string(from), ", ", label(s.to), " ",
                         to_string(to), ": expected equal ", is_image(to) ? "shapes" : "widths",
                         ", or --skip-mode project or ", is_image(to) ? "fit" : "concat"));
  }

  std::string layer(int l, std::string below) {
    const bool output = l > layers_;
    std::vector<Skip> joining;
    for (const Skip& s : chain_.skips) {
      if (s.to == l) joining.push_back(s);
    }
    below = flat(l, below);
    if (chain_.skip_mode == SkipMode::concat && !joining.empty()) {
      std::vector<std::string> joined{below};
      for (const Skip& s : joining) {
        if (is_image(shape_[static_cast<std::size_t>(s.from - 1)]) || convolves(l)) {
          throw ShapeError(cat(name_of(s), ": --skip-mode concat joins flat layers; expected add, project or fit"));
        }
        joined.push_back(gives_[static_cast<std::size_t>(s.from - 1)]);
      }
      below = node(cat("c", l), "concat", joined);
      joining.clear();
    }
    Shape shape{width(l)};
    if (convolves(l)) {
      if (!is_image(reads_.back())) {
        throw ShapeError(cat("network: ", label(l), " is a convolution and reads ", to_string(reads_.back()),
                             ": expected images [channels, height, width]"));
      }
      const Extents out = hidden(l).convolution->output("conv2d", reads_.back());
      shape = {width(l), out[0], out[1]};
    }
    // A joined output layer keeps the name "logits" for the sum, which is what the loss reads.
    const std::string name = !output ? cat("h", l) : joining.empty() ? "logits" : cat("h", l);
    const bool bias = chain_.bias && !has_norm(l);
    std::string sum =
        convolves(l) ? conv(name, below, width(l), *hidden(l).convolution, bias) : dense(name, below, width(l), bias);
    if (has_norm(l)) sum = norm(cat("n", l), sum, width(l));
    if (!joining.empty()) {
      std::vector<std::string> joined{sum};
      for (const Skip& s : joining) {
        const auto from = static_cast<std::size_t>(s.from - 1);
        const bool through =
            chain_.skip_mode == SkipMode::project || (chain_.skip_mode == SkipMode::fit && shape_[from] != shape);
        if (!through) check_added(s, shape);
        joined.push_back(through ? project(s, shape) : gives_[from]);
      }
      sum = node(output ? "logits" : cat("s", l), "add", joined);
    }
    if (output) return sum;
    sum = node(cat("a", l), chain_.activation, {sum});
    if (chain_.dropout > 0) sum = node(cat("d", l), "dropout", {sum}, {{"rate", chain_.dropout}});
    if (hidden(l).pool > 1) {
      const Window window{{hidden(l).pool, hidden(l).pool}, {hidden(l).pool, hidden(l).pool}};
      const Extents out = window.output("max_pool", shape);
      shape = {width(l), out[0], out[1]};
      sum = node(cat("m", l), "max_pool", {sum}, {{"size", hidden(l).pool}});
    }
    gives_.push_back(sum);
    shape_.push_back(shape);
    reads_.push_back(shape);
    return sum;
  }

  const ChainSpec& chain_;
  int layers_;
  GraphSpec graph_;
  std::vector<Shape> reads_;        // of each layer so far, what it reads
  std::vector<Shape> shape_;        // of each hidden layer, what it gives on
  std::vector<std::string> gives_;  // and the node that it does so at
};

}  // namespace

const std::vector<std::string>& norm_names() {
  static const std::vector<std::string> names = {"none", "batch", "layer", "group"};
  return names;
}

GraphSpec chain_graph(const ChainSpec& chain) { return ChainWriter(chain).write(); }

GraphSpec mlp_graph(const MlpSpec& mlp) {
  ChainSpec chain;
  chain.input = mlp.input;
  for (const Index n : mlp.hidden) chain.hidden.push_back({n});
  chain.outputs = mlp.outputs;
  chain.activation = mlp.activation;
  chain.init = mlp.init;
  chain.init_gain = mlp.init_gain;
  chain.bias = mlp.bias;
  chain.dropout = mlp.dropout;
  chain.skips = mlp.skips;
  chain.skip_mode = mlp.skip_mode;
  return chain_graph(chain);
}

}  // namespace strata
