// Decoupled neural interfaces: synthetic gradients (Jaderberg et al., 1608.05343, section 2.1).
//
//   M_l(h_l, y)    predicts ∂L_b/∂h_l of each example b from the activation and, if conditioned, the label (cDNI)
//   layer l        learns on M_l's word at once
//   M_l            learns ½‖M_l − δ_l‖² with δ_l what layer l+1 pulls back of M_{l+1}'s word (at the top: of the true error)
// Where several layers read h_l, what they pull back adds up. On images M_l is of convolutions of 5 × 5, as in the paper, and
// sees the label as so many more channels.
#include "rules/builtin.hpp"

namespace strata::rules {
namespace {

class SyntheticGradients final : public LearningRule {
 public:
  explicit SyntheticGradients(const Options& o)
      : conditioned_(o.text("condition") == "label"), hidden_(o.integer("hidden")) {}

  Traits traits() const override { return {.groups = {"forward", "synthetic"}}; }

  void prepare(const Net& net, const Loss&, Registry& registry) override {
    const Graph& graph = net.graph();
    synthetic_.resize(static_cast<std::size_t>(graph.size()));
    for (const NodeId point : graph.credit_points()) {
      const Index labels = conditioned_ ? graph[graph.output()].units : 0;
      GraphSpec spec{graph[point].shape, {}, "gradient"};
      const bool image = spec.input.size() == 3;
      const auto layer = [&](const std::string& name, const std::string& below, Index width, const char* init) {
        nlohmann::ordered_json attributes{{image ? "channels" : "units", width}, {"init", init}};
        if (image) attributes.update({{"size", 5}, {"padding", 2}});
        spec.nodes.push_back({name, image ? "conv2d" : "dense", {below}, attributes});
      };
      if (hidden_ > 0) {
        layer("dense", "input", hidden_, "he_normal");
        spec.nodes.push_back({"relu", "relu", {"dense"}});
      }
      // From zero, as in the paper: at first no layer moves.
      layer("gradient", hidden_ > 0 ? "relu" : "input", spec.input[0], "zeros");
      spec.input[0] += labels;
      synthetic_[static_cast<std::size_t>(point)] =
          std::make_unique<Net>(Graph(spec), registry, "synthetic/" + graph[point].name + "/", "synthetic");
    }
  }

  void compute(const Phase&, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink& g) const override {
    output_error(ctx, m, batch, ws.acts(), ws.deltas());
    const Index B = batch.size();
    const auto n = static_cast<Scalar>(B);
    const auto at_point = [&](NodeId point, MutView delta) {  // what arrived is δ_l/B
      const Net& M = *synthetic_[static_cast<std::size_t>(point)];
      const NodeId out = M.graph().output();
      Activations& acts = ws.acts_of(M.graph());
      const View h = ws.acts()[point];
      MutView input = ws.scratch(m.graph()[point].name, M.graph()[Graph::input()].units, B);
      input.topRows(h.rows()) = h;
      const Index copies = conditioned_ ? (input.rows() - h.rows()) / batch.classes() : 0;  // a label's channel
      for (Index b = 0; b < B && conditioned_; ++b) {
        for (Index c = 0; c < batch.classes(); ++c) {
          input.col(b).segment(h.rows() + c * copies, copies).setConstant(batch.one_hot(c, b));
        }
      }
      M.forward(ctx, m.registry, view(input), acts);

      Deltas& deltas = ws.deltas_of(M.graph());
      deltas.clear();
      deltas.at(out, B) = acts[out] / n - delta;
      M.backward(m.registry, acts, deltas, &g);
      delta = acts[out] / n;
    };
    m.net.backward(m.registry, ws.acts(), ws.deltas(), &g, {.at_point = at_point});
  }

 private:
  bool conditioned_;
  int hidden_;
  std::vector<std::unique_ptr<Net>> synthetic_;  // by credit point
};

}  // namespace

RuleEntry dni() {
  RuleEntry entry;
  entry.name = "dni";
  entry.family = "synthetic gradients";
  entry.summary = "every layer learns on a prediction of its gradient, and the predictors on the layer above's";
  entry.citation = "Jaderberg et al. 2017 (1608.05343)";
  entry.checked = "one step in torch";
  entry.numbers = "81.5 %";
  entry.options = {choice_option("condition", "label", {"label", "none"}, "what predictors see besides the activation"),
                   integer_option("hidden", 0, 0, 1 << 20, "hidden units of a predictor; 0: it is linear")};
  // The best of nine on validation after two epochs of the default network, one seed.
  entry.optimizers = {{"forward", adam(5e-4)}, {"synthetic", adam(5e-3)}};
  entry.make = [](const Options& o) { return std::make_unique<SyntheticGradients>(o); };
  return entry;
}

}  // namespace strata::rules
