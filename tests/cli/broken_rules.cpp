// The program with rules that break the interface, each in another way; test_broken_rules.cpp starts it.
#include <stdexcept>

#include "experiments/cli/cli.hpp"
#include "rules/builtin.hpp"

namespace {

using namespace strata;

/// Backprop until the third step; then `mischief`.
class Broken : public LearningRule {
 public:
  using Mischief = void (*)(const Model&, Workspace&, GradSink&);
  explicit Broken(Mischief mischief) : mischief_(mischief) {}

  void compute(const Phase&, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink& g) const override {
    output_error(ctx, m, batch, ws.acts(), ws.deltas());
    m.net.backward(m.registry, ws.acts(), ws.deltas(), &g, {});
    if (ctx.mode == Mode::train && ctx.step >= 3) mischief_(m, ws, g);
  }

 private:
  Mischief mischief_;
};

struct OtherGroups final : Broken {
  OtherGroups() : Broken([](const Model&, Workspace&, GradSink&) {}) {}
  Traits traits() const override { return {.groups = {"forward", "nobody's"}}; }
};

struct NoForwardPhase final : Broken {
  NoForwardPhase() : Broken([](const Model&, Workspace&, GradSink&) {}) {}
  Schedule schedule() const override { return {{}, {{"pass", 1, {{"phase", {}}}}}}; }
};

struct ThrowsEarly final : Broken {
  ThrowsEarly() : Broken(nullptr) {}
  std::string unsupported(const Graph&, const Loss&) const override { throw std::runtime_error("lost my way"); }
};

void add(Catalog& catalog, const std::string& name, std::function<std::unique_ptr<LearningRule>()> make) {
  RuleEntry entry;
  entry.name = name;
  entry.family = "broken";
  entry.summary = "breaks";
  entry.citation = "none";
  entry.optimizers = {{"forward", adam(1e-3)}};
  entry.make = [make = std::move(make)](const Options&) { return make(); };
  catalog.add(std::move(entry));
}

void add(Catalog& catalog, const std::string& name, Broken::Mischief mischief) {
  add(catalog, name, [mischief] { return std::make_unique<Broken>(mischief); });
}

const Matrix odd = Matrix::Ones(3, 3);
Matrix infinite;

}  // namespace

int main(int argc, char** argv) {
  auto program = cli::builtin_program();
  Catalog& rules = program.rules;
  add(rules, "throws", [](const Model&, Workspace&, GradSink&) { throw std::logic_error("a slip of mine"); });
  add(rules, "throws_a_number", [](const Model&, Workspace&, GradSink&) { throw 42; });
  add(rules, "not_finite", [](const Model& m, Workspace&, GradSink& g) {
    infinite = m.registry.value(0) * std::numeric_limits<Scalar>::infinity();
    g.add(0, view(infinite));
  });
  add(rules, "odd_shape", [](const Model&, Workspace&, GradSink& g) { g.add(0, view(odd)); });
  add(rules, "odd_signal",
      [](const Model& m, Workspace& ws, GradSink& g) { g.add(m.net, m.graph().output(), ws.acts(), view(odd)); });
  add(rules, "no_such_parameter", [](const Model&, Workspace&, GradSink& g) { g.add(1000, view(odd)); });
  add(rules, "no_such_alias", [](const Model&, Workspace&, GradSink& g) { g.alias(0, -7); });
  add(rules, "no_such_node",
      [](const Model& m, Workspace& ws, GradSink& g) { g.add(m.net, 99, ws.acts(), view(odd)); });
  add(rules, "other_groups", [] { return std::make_unique<OtherGroups>(); });
  add(rules, "no_forward_phase", [] { return std::make_unique<NoForwardPhase>(); });
  add(rules, "throws_early", [] { return std::make_unique<ThrowsEarly>(); });
  add(rules, "nothing", [] { return std::unique_ptr<LearningRule>(); });
  return cli::main(argc, argv, program);
}
