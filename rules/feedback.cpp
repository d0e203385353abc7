// Feedback matrices, and what rules that use them share.
#include "framework/analysis/angle.hpp"
#include "rules/builtin.hpp"

namespace strata::rules {

std::vector<OptionSpec> feedback_options() {
  return {choice_option("feedback-init", "xavier_normal", initializer_names(), "distribution of the feedback weights"),
          real_option("feedback-scale", 1, 1e-6, 1e6, "gain of the feedback weights")};
}

Transport own_feedback(const Net& net, Registry& registry, const Initializer& init, const std::string& group) {
  Transport transport;
  for (ParamId id = 0; id < registry.size(); ++id) transport.push_back(id);
  const Graph& graph = net.graph();
  for (const NodeId layer : graph.layers()) {
    for (std::size_t p = 0; p < graph[layer].params.size(); ++p) {
      const ParamSpec& spec = graph[layer].params[p];
      if (spec.name != "weight") continue;
      const std::string name = "feedback/" + graph[layer].name + ".weight";
      transport[static_cast<std::size_t>(net.params(layer)[p])] =
          group.empty() ? registry.add_buffer(name, "feedback", spec.rows, spec.cols, init)
                        : registry.add(name, group, spec.rows, spec.cols, init);
    }
  }
  return transport;
}

void for_each_feedback(const Transport& transport, FunctionRef<void(ParamId w, ParamId b)> done) {
  for (std::size_t w = 0; w < transport.size(); ++w) {
    if (transport[w] != static_cast<ParamId>(w)) done(static_cast<ParamId>(w), transport[w]);
  }
}

void TransportRule::compute(const Phase&, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
                            GradSink& g) const {
  output_error(ctx, m, batch, ws.acts(), ws.deltas());
  m.net.backward(m.registry, ws.acts(), ws.deltas(), &g, {.transport = &transport_});
}

bool TransportRule::feedback_input_gradient(const Model& m, const Batch& batch, Workspace& ws, MutView dinput) const {
  Ctx ctx;
  ctx.mode = Mode::evaluate;
  output_error(ctx, m, batch, ws.acts(), ws.deltas());
  m.net.backward(m.registry, ws.acts(), ws.deltas(), nullptr, {.transport = &transport_, .to_input = true});
  dinput = ws.deltas()[Graph::input()];
  return true;
}

void TransportRule::probe(const Model& m, const Batch&, Workspace&, ProbeSink& sink) const {
  report_feedback_angles(m, transport_, sink);
}

void report_feedback_angles(const Model& model, const Transport& transport, ProbeSink& sink) {
  for (const NodeId layer : model.graph().layers()) {
    for (const ParamId w : model.net.params(layer)) {
      const ParamId b = transport[static_cast<std::size_t>(w)];
      if (b != w)
        sink.report("feedback_angle", layer,
                    angle_degrees(view(model.registry.value(w)), view(model.registry.value(b))));
    }
  }
}

}  // namespace strata::rules
