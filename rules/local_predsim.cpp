// Local losses: prediction and similarity matching (Nøkland & Eidnes, 1901.06656, section 3, "predsim").
//
//   L_l = (1 − β) L_pred + β L_sim          each hidden layer learns on its own, nothing goes on below
//   L_pred   the loss of a linear head's outputs
//   L_sim    mean over pairs of examples of (S_ij(A_l h_l) − S_ij(y))², A_l a linear head as wide as the layer,
//            S_ij the cosine of two columns, each less its mean
// β = 0 and 1 are the paper's pred and sim. On images (section 3.3) the prediction head reads means over patches, so large
// that at most 2048 numbers are left; A_l is a convolution of 3 × 3, and S compares the standard deviations of its channels, if
// there are more than three. Prediction heads start at 0. These are as in the authors' code.
#include "framework/parallel/gemm.hpp"
#include "rules/builtin.hpp"
#include "rules/columns.hpp"

namespace strata::rules {
namespace {

class LocalPredSim final : public LearningRule {
 public:
  explicit LocalPredSim(const Options& o) : beta_(static_cast<Scalar>(o.real("beta"))) {}

  Traits traits() const override { return {.groups = {"forward", "heads"}}; }

  void prepare(const Net& net, const Loss&, Registry& registry) override {
    const Graph& graph = net.graph();
    const auto head = [&](const char* what, NodeId point, const GraphSpec& spec) {
      return std::make_unique<Net>(Graph(spec), registry, cat(what, "/", graph[point].name, "/"), "heads");
    };
    for (const NodeId point : graph.credit_points()) {
      const Shape& shape = graph[point].shape;
      if (beta_ < 1) predict_.push_back(head("predict", point, prediction_head(shape, graph[graph.output()].units)));
      if (beta_ > 0) similar_.push_back(head("similar", point, similarity_head(shape)));
    }
  }

  void compute(const Phase&, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink& g) const override {
    output_error(ctx, m, batch, ws.acts(), ws.deltas());
    const Index B = batch.size();
    const MutView unit_targets = ws.scratch("unit targets", batch.classes(), B), of_targets = ws.scratch("S(y)", B, B);
    normalise_columns(batch.one_hot, true, 1, unit_targets);
    gemm(Op::transposed, view(unit_targets), Op::none, view(unit_targets), of_targets);

    const auto& points = m.graph().credit_points();
    for (std::size_t l = 0; l < points.size(); ++l) {
      const View h = ws.acts()[points[l]];
      if (beta_ < 1) {
        const View out = run(ctx, m, *predict_[l], h, ws);
        MutView d = ws.deltas_of(predict_[l]->graph()).at(predict_[l]->graph().output(), B);
        m.loss.gradient(out, batch, d);
        d *= 1 - beta_;
        hand_on(m, *predict_[l], points[l], ws, g);
      }
      if (beta_ > 0) {
        const View out = run(ctx, m, *similar_[l], h, ws);
        // ∂L_sim/∂S = 2/B² (S(A h) − S(y)), and ∂S/∂û = twice û.
        const MutView d = ws.deltas_of(similar_[l]->graph()).at(similar_[l]->graph().output(), B);
        const Shape& shape = m.graph()[points[l]].shape;
        const bool by_channel = shape.size() == 3 && shape[0] > 3 && shape[1] * shape[2] > 1;
        const View z = by_channel ? deviations(out, shape[0], ws) : out;
        const MutView u = ws.scratch("unit", z.rows(), B), S = ws.scratch("S(h)", B, B);
        normalise_columns(z, true, 1, u);
        gemm(Op::transposed, view(u), Op::none, view(u), S);
        MutView(S) -= of_targets;
        const MutView dz = by_channel ? ws.scratch("dz", z.rows(), B) : d;
        gemm(Op::none, view(u), Op::none, view(S), dz, 4 * beta_ / static_cast<Scalar>(B * B));
        pull_back_normalised(z, true, 1, dz);
        if (by_channel) pull_back_deviations(out, z, view(dz), d);
        hand_on(m, *similar_[l], points[l], ws, g);
      }
    }
    m.net.backward(m.registry, ws.acts(), ws.deltas(), &g, {.stop_at_credit_points = true});
  }

 private:
  static View deviations(View x, Index channels, Workspace& ws) {
    const MutView z = ws.scratch("z", channels, x.cols());
    channel_deviations(x, z);
    return view(z);
  }

  static GraphSpec prediction_head(const Shape& shape, Index classes) {
    GraphSpec spec{shape, {}, "head"};
    std::string below = "input";
    if (shape.size() == 3) {
      Index size = 1;
      while (shape[0] * (shape[1] / size) * (shape[2] / size) > pooled_features &&
             2 * size <= std::min(shape[1], shape[2])) {
        size *= 2;
      }
      if (size > 1) {
        spec.nodes.push_back({"pool", "average_pool", {below}, {{"size", size}}});
        below = "pool";
      }
      spec.nodes.push_back({"flat", "flatten", {below}});
      below = "flat";
    }
    spec.nodes.push_back({"head", "dense", {below}, {{"units", classes}, {"init", "zeros"}}});
    return spec;
  }

  static GraphSpec similarity_head(const Shape& shape) {
    GraphSpec spec{shape, {}, "head"};
    if (shape.size() == 3) {
      spec.nodes = {
          {"head", "conv2d", {"input"}, {{"channels", shape[0]}, {"size", 3}, {"padding", 1}, {"bias", false}}}};
    } else {
      spec.nodes = {{"head", "dense", {"input"}, {{"units", shape[0]}, {"bias", false}}}};
    }
    return spec;
  }

  static View run(const Ctx& ctx, const Model& m, const Net& head, View h, Workspace& ws) {
    Activations& acts = ws.acts_of(head.graph());
    head.forward(ctx, m.registry, h, acts);
    ws.deltas_of(head.graph()).clear();
    return acts[head.graph().output()];
  }

  // Back through a head, whose share is added to the point's signal.
  static void hand_on(const Model& m, const Net& head, NodeId point, Workspace& ws, GradSink& g) {
    Deltas& deltas = ws.deltas_of(head.graph());
    head.backward(m.registry, ws.acts_of(head.graph()), deltas, &g, {.to_input = true});
    const View share = deltas[Graph::input()];
    ws.deltas().at(point, share.cols()) += share;
  }

  static constexpr Index pooled_features = 2048;

  Scalar beta_;
  std::vector<std::unique_ptr<Net>> predict_, similar_;  // heads of the credit points
};

}  // namespace

RuleEntry local_predsim() {
  RuleEntry entry;
  entry.name = "local_predsim";
  entry.family = "local losses";
  entry.summary = "every layer learns on its own head's prediction and on similarities between examples";
  entry.citation = "Nøkland & Eidnes 2019 (1901.06656)";
  entry.checked = "one step in torch";
  entry.numbers = "83.9 %";
  entry.options = {real_option("beta", 0.99, 0, 1, "weight β of the similarity loss; the prediction loss has 1 − β")};
  entry.optimizers = {{"forward", adam(5e-4)}, {"heads", adam(5e-4)}};  // the paper's
  entry.search = {uniform("beta", 0.5, 1)};
  entry.make = [](const Options& o) { return std::make_unique<LocalPredSim>(o); };
  return entry;
}

}  // namespace strata::rules
