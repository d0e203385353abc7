// The forward-forward algorithm (Hinton, 2212.13345, sections 2 and 3.3).
//
//   goodness   G_l = Σ_i a_i² − θ n, a the activity of hidden layer l and n its units; P(positive) = σ(G_l)
//   data       the label, one of N, stands in the first N features: the right one in positive examples, a wrong one, drawn
//              evenly from the others, in negative ones
//   layer      sees the activities below brought to a mean square of 1, so that goodness does not go on;
//              learns on −log σ(G_l) of positives and −log σ(−G_l) of negatives, mean over the batch, for itself alone
//   predict    score of a label: Σ_l G_l with that label in the input, over all hidden layers but the first (over it too
//              if it is the only one)
// The output layer takes no part and is not trained. Hinton's θ is 1, for ReLU; bounded activities want less.
#include <cmath>

#include "rules/builtin.hpp"
#include "rules/columns.hpp"

namespace strata::rules {
namespace {

class ForwardForward final : public LearningRule {
 public:
  explicit ForwardForward(const Options& o) : theta_(static_cast<Scalar>(o.real("threshold"))) {}

  std::string unsupported(const Graph& graph, const Loss& loss) const override {
    if (graph.credit_points().empty()) return "it trains hidden layers alone, and there is none";
    const Index classes = graph[graph.output()].units, features = graph[Graph::input()].units;
    if (classes >= features) {
      return cat("the label takes the place of ", classes, " features, and '", graph[Graph::input()].name, "' has ",
                 features);
    }
    if (classes < 2) return cat("it needs a wrong label, and '", graph[graph.output()].name, "' has 1 class");
    return LearningRule::unsupported(graph, loss);
  }

  void prepare(const Net& net, const Loss&, Registry&) override {
    points_ = net.graph().credit_points();
    for (const NodeId point : points_) regions_.push_back(net.graph().region(point));
    first_counted_ = points_.size() > 1 ? 1 : 0;
  }

  bool trains(const Graph& graph, NodeId layer) const override { return graph.is_credit_point(graph.neuron(layer)); }

  void compute(const Phase&, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink& g) const override {
    const Index B = batch.size();
    const auto classes = static_cast<std::uint64_t>(batch.classes());
    const Rng rng = ctx.rng("forward_forward/wrong label");
    MutView x = ws.scratch("labelled", batch.x.rows(), 2 * B);  // positives, then negatives
    x.leftCols(B) = batch.x;
    x.rightCols(B) = batch.x;
    for (Index b = 0; b < B; ++b) {
      const auto right = static_cast<std::uint64_t>(batch.labels[static_cast<std::size_t>(b)]);
      const std::uint64_t other = rng.below(classes - 1, static_cast<std::uint64_t>(b));
      put_label(batch, static_cast<Index>(right), x.col(b));
      put_label(batch, static_cast<Index>(other < right ? other : other + 1), x.col(B + b));
    }
    climb(ctx, m, view(x), ws);
    ws.deltas().clear();
    for (const NodeId point : points_) {
      const View a = ws.acts(1)[point];
      MutView delta = ws.deltas().overwritten(point, 2 * B);
      for (Index b = 0; b < 2 * B; ++b) {
        const Scalar sign = b < B ? Scalar(-1) : Scalar(1);
        const Scalar wrong = 1 / (1 + std::exp(-sign * goodness(a.col(b))));  // how sure of the wrong
        delta.col(b) = a.col(b) * (2 * sign * wrong / static_cast<Scalar>(B));
      }
    }
    m.net.backward(m.registry, ws.acts(1), ws.deltas(), &g, {.stop_at_credit_points = true});
  }

  void predict(const Model& m, const Batch& batch, Workspace& ws, MutView scores) const override {
    for (Index label = 0; label < scores.rows(); ++label) {
      try_label(m, batch, label, ws);
      for (Index b = 0; b < batch.size(); ++b) {
        scores(label, b) = 0;
        for (std::size_t l = first_counted_; l < points_.size(); ++l) {
          scores(label, b) += goodness(ws.acts(1)[points_[l]].col(b));
        }
      }
    }
  }

  bool predict_pull_back(const Model& m, const Batch& batch, Workspace& ws, View dscores,
                         MutView dinput) const override {
    const Index B = batch.size();
    dinput.setZero();
    for (Index label = 0; label < dscores.rows(); ++label) {
      try_label(m, batch, label, ws);
      Deltas& deltas = ws.deltas();
      deltas.clear();
      for (const NodeId point : points_) deltas.at(point, B);   // every one of them is heard
      const auto at_point = [&](NodeId point, MutView delta) {  // by the normalised activity; becomes by the activity
        const View a = ws.acts(1)[point];
        pull_back_normalised(a, false, root(a), delta);
        const bool counted = points_.size() == 1 || point != points_.front();
        for (Index b = 0; b < B && counted; ++b) delta.col(b) += 2 * dscores(label, b) * a.col(b);
      };
      m.net.backward(m.registry, ws.acts(1), deltas, nullptr, {.to_input = true, .at_point = at_point});
      const Index classes = batch.classes();
      dinput.bottomRows(dinput.rows() - classes) += deltas[Graph::input()].bottomRows(dinput.rows() - classes);
    }
    return true;
  }

 private:
  // The label as a bright pixel among dark ones.
  template <class Column> static void put_label(const Batch& batch, Index label, Column&& x) {
    x.head(batch.classes()).setConstant(batch.low);
    x(label) = batch.high;
  }

  template <class Column> Scalar goodness(const Column& a) const {
    return a.squaredNorm() - theta_ * static_cast<Scalar>(a.size());
  }

  void try_label(const Model& m, const Batch& batch, Index label, Workspace& ws) const {
    Ctx ctx;
    ctx.mode = Mode::evaluate;
    MutView x = ws.scratch("labelled", batch.x.rows(), batch.size());
    x = batch.x;
    for (Index b = 0; b < batch.size(); ++b) put_label(batch, label, x.col(b));
    climb(ctx, m, view(x), ws);
  }

  static Scalar root(View a) { return std::sqrt(static_cast<Scalar>(a.rows())); }

  // Activities of all hidden layers in ws.acts(1), each layer on those below at a mean square of 1.
  void climb(const Ctx& ctx, const Model& m, View x, Workspace& ws) const {
    Activations& acts = ws.acts(1);
    acts.set(Graph::input(), x);
    for (std::size_t l = 0; l < points_.size(); ++l) {
      m.net.forward_nodes(ctx, m.registry, regions_[l], acts);
      const View a = acts[points_[l]];
      const MutView shown = ws.scratch(m.graph()[points_[l]].name, a.rows(), a.cols());
      normalise_columns(a, false, root(a), shown);
      acts.show_readers(points_[l], view(shown));
    }
  }

  Scalar theta_;
  std::size_t first_counted_ = 0;
  std::vector<NodeId> points_;
  std::vector<std::vector<NodeId>> regions_;
};

}  // namespace

RuleEntry forward_forward() {
  RuleEntry entry;
  entry.name = "forward_forward";
  entry.family = "forward only";
  entry.summary = "hidden layers tell right labels in the input from wrong ones; predicts by trying every label";
  entry.citation = "Hinton 2022 (2212.13345)";
  entry.needs = "hidden layers, and more features than classes";
  entry.checked = "one step in torch; labels of negatives";
  entry.numbers = "78.4 %";
  entry.options = {
      real_option("threshold", 0.2, 0, 1e3, "goodness a unit, θ, above which an example counts as positive")};
  // θ and lr: the best of eight on validation after two epochs of the default (tanh) network, one seed.
  entry.optimizers = {{"forward", adam(1e-3)}};
  entry.search = {log_uniform("threshold", 0.02, 2)};
  entry.make = [](const Options& o) { return std::make_unique<ForwardForward>(o); };
  return entry;
}

}  // namespace strata::rules
