#include <algorithm>

#include "framework/core/errors.hpp"
#include "framework/graph/graph_spec.hpp"

namespace strata {
namespace {

using Json = nlohmann::ordered_json;

class MlpWriter {
 public:
  explicit MlpWriter(const MlpSpec& mlp) : mlp_(mlp), layers_(static_cast<int>(mlp.hidden.size())) {}

  GraphSpec write() {
    check();
    graph_.input = mlp_.input;
    std::string below = "input";
    if (mlp_.input.size() > 1) below = node("flat", "flatten", {"input"});
    for (int l = 1; l <= layers_ + 1; ++l) below = layer(l, below);
    graph_.output = "logits";
    return std::move(graph_);
  }

 private:
  Index width(int l) const { return l > layers_ ? mlp_.outputs : mlp_.hidden[static_cast<std::size_t>(l - 1)]; }
  std::string label(int l) const { return l > layers_ ? "the output layer" : cat("hidden layer ", l); }

  void check() const {
    if (mlp_.outputs < 1) throw UsageError(cat("mlp: ", mlp_.outputs, " outputs: expected at least 1"));
    for (const Index n : mlp_.hidden) {
      if (n < 1) throw UsageError(cat("--hidden: a layer of ", n, " units: expected at least 1"));
    }
    for (std::size_t i = 0; i < mlp_.skips.size(); ++i) {
      const Skip s = mlp_.skips[i];
      const std::string name = cat("--skip ", s.from, ":", s.to);
      if (s.from < 1 || s.from > layers_ || s.to < 1 || s.to > layers_ + 1) {
        throw UsageError(cat(name, ": expected FROM in 1…", layers_, " and TO in 2…", layers_ + 1, " (", layers_,
                             " hidden layers, then the output layer)"));
      }
      if (s.to <= s.from) throw UsageError(cat(name, ": a skip goes forward: expected TO greater than FROM"));
      for (std::size_t j = 0; j < i; ++j) {
        if (mlp_.skips[j].from == s.from && mlp_.skips[j].to == s.to) throw UsageError(cat(name, " is given twice"));
      }
      if (mlp_.skip_mode == SkipMode::add && width(s.from) != width(s.to)) {
        throw ShapeError(cat(name, ": ", label(s.from), " has shape [", width(s.from), "], ", label(s.to), " [",
                             width(s.to), "]: expected equal widths, or --skip-mode project or concat"));
      }
    }
  }

  std::string node(const std::string& name, const std::string& type, std::vector<std::string> inputs,
                   Json attributes = Json::object()) {
    graph_.nodes.push_back({name, type, std::move(inputs), std::move(attributes)});
    return name;
  }

  std::string dense(const std::string& name, const std::string& input, Index units, bool bias) {
    Json attributes{{"units", units}, {"bias", bias}, {"init", mlp_.init}};
    if (mlp_.init_gain != 1) attributes["gain"] = mlp_.init_gain;
    return node(name, "dense", {input}, attributes);
  }

  std::string top(int l) const { return cat(mlp_.dropout > 0 ? "d" : "a", l); }

  std::string layer(int l, std::string below) {
    const bool output = l > layers_;
    std::vector<std::string> joined;
    for (const Skip& s : mlp_.skips) {
      if (s.to == l) joined.push_back(top(s.from));
    }
    if (mlp_.skip_mode == SkipMode::concat && !joined.empty()) {
      joined.insert(joined.begin(), below);
      below = node(cat("c", l), "concat", joined);
      joined.clear();
    }
    // A joined output layer keeps the name "logits" for the sum, which is what the loss reads.
    const std::string name = !output ? cat("h", l) : joined.empty() ? "logits" : cat("h", l);
    std::string sum = dense(name, below, width(l), mlp_.bias);
    if (!joined.empty()) {
      if (mlp_.skip_mode == SkipMode::project) {
        for (auto& from : joined) from = dense(cat("p", from.substr(1), "_", l), from, width(l), false);
      }
      joined.insert(joined.begin(), sum);
      sum = node(output ? "logits" : cat("s", l), "add", joined);
    }
    if (output) return sum;
    sum = node(cat("a", l), mlp_.activation, {sum});
    if (mlp_.dropout > 0) sum = node(cat("d", l), "dropout", {sum}, {{"rate", mlp_.dropout}});
    return sum;
  }

  const MlpSpec& mlp_;
  int layers_;
  GraphSpec graph_;
};

}  // namespace

GraphSpec mlp_graph(const MlpSpec& mlp) { return MlpWriter(mlp).write(); }

}  // namespace strata
