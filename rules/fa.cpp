// Feedback alignment (Lillicrap, Cownden, Tweed & Akerman, Nature Communications 7, 2016, eq. 2).
//
//   as backprop, but every weight W_l transports the signal back as a fixed random B_l of its shape:
//   δ_{l−1} = (B_lᵀ δ_l) ⊙ f′(z_{l−1})
// Identity skips carry no weight and transport exactly. With B_l = W_l this is backprop, bit for bit.
#include "rules/builtin.hpp"

namespace strata::rules {
namespace {

class FeedbackAlignment final : public TransportRule {
 public:
  explicit FeedbackAlignment(const Options& o)
      : init_(initializer(o.text("feedback-init"), o.real("feedback-scale"))) {}

  void prepare(const Net& net, const Loss&, Registry& registry) override {
    transport_ = own_feedback(net, registry, init_);
  }

 private:
  Initializer init_;
};

}  // namespace

RuleEntry fa() {
  RuleEntry entry;
  entry.name = "fa";
  entry.family = "feedback alignment";
  entry.summary = "the signal goes back through fixed random weights";
  entry.citation = "Lillicrap et al. 2016";
  entry.checked = "one step in torch; backprop, bit for bit, with B = W";
  entry.numbers = "84.0 %";
  entry.options = feedback_options();
  // Of 2.9e-4, 5e-4 and 9.4e-4: the first two are equal on validation (87.9 %, ten epochs, two seeds, default
  // network), the last is a point worse.
  entry.optimizers = {{"forward", adam(5e-4, 0.9, 0.99, 4.73e-8)}};
  entry.search = {log_uniform("feedback-scale", 0.1, 10)};
  entry.make = [](const Options& o) { return std::make_unique<FeedbackAlignment>(o); };
  return entry;
}

}  // namespace strata::rules
