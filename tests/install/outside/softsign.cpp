// y = x/(1 + |x|), number by number; ∂y/∂x = (1 − |y|)².
#include "framework/core/errors.hpp"
#include "parts.hpp"

namespace {

using namespace strata;

class Softsign final : public Layer {
 public:
  std::string type() const override { return "softsign"; }
  bool keeps_units() const override { return true; }

  Shape infer(std::span<const Shape> in) const override {
    if (in.size() != 1) throw ShapeError(cat("softsign: expected one input, got ", in.size()));
    return in[0];
  }

  void forward(const NodeCtx&, Views, Views x, MutView y, Aux&) const override {
    y.array() = x[0].array() / (1 + x[0].array().abs());
  }

  // dy may have several times as many columns as y: column k·B + b belongs to example b.
  void pull_back(Views, Views, View y, const Aux&, View dy, MutViews dx) const override {
    if (dx[0].size() == 0) return;  // not wanted
    for (Index c = 0; c < dy.cols(); c += y.cols()) {
      dx[0].middleCols(c, y.cols()).array() += dy.middleCols(c, y.cols()).array() * (1 - y.array().abs()).square();
    }
  }
};

}  // namespace

strata::LayerEntry outside::softsign() {
  return {"softsign",
          "x/(1 + |x|), number by number",
          [](Attributes&) { return std::make_shared<Softsign>(); },
          {{nlohmann::ordered_json::object(), {{5}}}}};
}
