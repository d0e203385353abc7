#include "framework/learning/trainer.hpp"

#include <algorithm>
#include <boost/container/static_vector.hpp>
#include <chrono>
#include <cmath>

#include "framework/core/errors.hpp"
#include "framework/core/prefetch.hpp"
#include "framework/core/types.hpp"
#include "framework/learning/batch_buffer.hpp"
#include "framework/optim/clip.hpp"
#include "framework/parallel/gemm.hpp"

namespace strata {
namespace {

constexpr Index evaluation_batch = 500;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The lowest parameter that was noted, by any thread; −1 if none.
class FirstNonFinite {
 public:
  void note(ParamId id) const {
    ParamId known = id_;
    while ((known < 0 || id < known) && !id_.compare_exchange_weak(known, id)) {
    }
  }
  ParamId id() const { return id_; }

 private:
  mutable std::atomic<ParamId> id_{-1};
};

// The block to the right of `block`, which is most often the next to come: asks for it now, so that it is in the cache
// when the product that makes its gradient is done.
[[gnu::always_inline]] inline void prefetch_next(const Matrix& m, Index row, Index col, const MutView& block) {
  const Index last = std::min(m.cols(), col + 2 * block.cols());
  for (Index c = col + block.cols(); c < last; ++c) {
    prefetch<Soon::written>(m.data() + c * m.rows() + row, block.rows());
  }
}

}  // namespace

Trainer::Trainer(const Graph& graph, std::unique_ptr<Loss> loss, std::unique_ptr<LearningRule> rule,
                 const Dataset& data, const Split& split, TrainSettings settings)
    : registry_(settings.seed, settings.start), net_(std::make_unique<Net>(graph, registry_)), loss_(std::move(loss)),
      rule_(std::move(rule)), model_{*net_, *loss_, registry_}, data_(data), split_(split),
      settings_(std::move(settings)), ws_(net_->graph()) {
  const Graph& g = net_->graph();
  const std::string reason = rule_->unsupported(g, *loss_);
  if (!reason.empty()) throw UnsupportedError(reason);
  if (g[Graph::input()].units != data.features()) {
    throw ShapeError(cat("network input ", to_string(g[Graph::input()].shape), ": the data has samples of shape ",
                         to_string(data.sample_shape)));
  }
  if (g[g.output()].units != data.classes) {
    throw ShapeError(cat("network output '", g[g.output()].name, "' ", to_string(g[g.output()].shape),
                         ": the data has ", data.classes, " classes"));
  }
  if (settings_.batch < 1 || settings_.batch > static_cast<Index>(split_.train.size())) {
    throw UsageError(cat("--batch ", settings_.batch, ": expected 1 to ", split_.train.size(),
                         ", the examples that are trained on"));
  }
  check_finite(data);
  rule_->prepare(*net_, *loss_, registry_);
  schedule_ = rule_->schedule();
  slots_.resize(static_cast<std::size_t>(registry_.size()));
  group_of_.resize(static_cast<std::size_t>(registry_.size()));
  for (const std::string& name : rule_->traits().groups) {
    const auto& specs = settings_.optimizers;
    const auto found = std::find_if(specs.begin(), specs.end(), [&](const auto& s) { return s.first == name; });
    if (found == specs.end()) throw UsageError(cat("group '", name, "': no optimizer is set for it"));
    groups_.push_back({name, make_optimizer(found->second), 0, {}, registry_.group(name)});
    for (const ParamId id : groups_.back().parameters) {
      group_of_[static_cast<std::size_t>(id)] = groups_.size() - 1;
      const Matrix& w = registry_.value(id);
      slots_[static_cast<std::size_t>(id)].assign(static_cast<std::size_t>(groups_.back().optimizer->slots()),
                                                  Matrix::Zero(w.rows(), w.cols()));
    }
  }
  train_sample_ = sample_examples(split_.train, static_cast<Index>(split_.validation.size()), "train sample");
  probe_ = sample_examples(split_.train, settings_.probe_examples, "probe");
}

Trainer::Group& Trainer::group(const std::string& name) {
  for (Group& g : groups_) {
    if (g.name == name) return g;
  }
  throw UsageError(cat("phase steps the group '", name, "', which the rule's traits do not name"));
}

const Phase& Trainer::forward_phase() const {
  for (const Pass& pass : schedule_.epoch) {
    for (const Phase& phase : pass.phases) {
      if (std::find(phase.groups.begin(), phase.groups.end(), "forward") != phase.groups.end()) return phase;
    }
  }
  throw UsageError("the rule's schedule has no phase that steps the group 'forward'");
}

std::uint64_t Trainer::batches() const {
  const auto size = static_cast<std::size_t>(settings_.batch);
  return (split_.train.size() + size - 1) / size;
}

std::uint64_t Trainer::steps_per_epoch() const {
  const int passes = walks(schedule_.epoch) + (epoch_ == 0 ? walks(schedule_.before) : 0);
  return static_cast<std::uint64_t>(passes) * batches();
}

void Trainer::next_epoch(const std::function<bool()>& stop) {
  steps_in_epoch_ = 0;
  const auto start = std::chrono::steady_clock::now();
  const CountMultiplyAdds products;
  if (epoch_ >= 0) {
    if (epoch_ == 0) {
      for (const Pass& pass : schedule_.before) run_pass(pass, false, stop);
    }
    for (const Pass& pass : schedule_.epoch) run_pass(pass, true, stop);
  }
  ++epoch_;
  steps_in_epoch_ = 0;
  measure_epoch(epoch_ == 0 ? 0 : seconds_since(start), products.count());
}

void Trainer::run_pass(const Pass& pass, bool counts, const std::function<bool()>& stop) {
  BatchBuffer buffer(data_, settings_.batch);
  const auto size = static_cast<std::size_t>(settings_.batch);
  const auto epoch_steps = static_cast<std::uint64_t>(walks(schedule_.epoch)) * batches();
  for (int walk = 0; walk < pass.epochs; ++walk) {
    const auto order = epoch_order(split_.train, settings_.seed, static_cast<int>(passes_++));
    for (std::size_t b = 0; b < batches(); ++b) {
      if (stop && stop()) throw Stopped("stopped");
      const std::size_t first = b * size;
      const auto ids = std::span(order).subspan(first, std::min(size, order.size() - first));
      const Batch batch = buffer.gather(data_.train, ids);
      const double factor = counts ? lr_factor(settings_.schedule, train_steps_, epoch_steps, settings_.epochs) : 1;
      Ctx ctx{Mode::train, true, settings_.seed, step_};
      const CountMultiplyAdds products;
      for (const Phase& phase : pass.phases) {
        step(phase, ctx, batch, factor);
        ctx.update_stats = false;  // later phases see the same batch
      }
      if (&pass == schedule_.epoch.data() && b == 0) multiply_adds_per_step_ = products.count();
      ++step_;
      if (counts) ++train_steps_;
      steps_in_epoch_.fetch_add(1, std::memory_order_relaxed);
    }
  }
}

void Trainer::step(const Phase& phase, const Ctx& ctx, const Batch& batch, double lr_factor) {
  sink_.clear();
  rule_->compute(phase, ctx, model_, batch, ws_, sink_);
  stepped_.clear();
  for (const std::string& name : phase.groups) {
    Group& g = group(name);
    g.size = g.optimizer->at(lr_factor, ++g.steps);
    stepped_.insert(stepped_.end(), g.parameters.begin(), g.parameters.end());
  }
  if (settings_.clip_value > 0 || settings_.clip_norm > 0) {
    step_clipped();
  } else {
    const FirstNonFinite first;
    sink_.consume(registry_, stepped_, [&](ParamId id, Index row, Index col, MutView g) {
      if (!step_block(id, row, col, view(g))) first.note(id);
    });
    if (first.id() >= 0) throw DivergedError(non_finite(first.id()));
  }
  ws_.move_statistics(registry_);
  rule_->after_phase(phase, ctx, *net_, registry_);
}

// Moves a block of a parameter, with the same block of its optimizer's state. False if the block is not finite then: a
// gradient that is not finite makes the parameter so too, and any such element the sum, so that one cheap pass catches
// both where they arise.
bool Trainer::step_block(ParamId id, Index row, Index col, View g) {
  const auto block = [&](Matrix& m) {
    return MutView(m.data() + col * m.rows() + row, g.rows(), g.cols(), Eigen::OuterStride<>(m.rows()));
  };
  std::vector<Matrix>& state = slots_[static_cast<std::size_t>(id)];
  boost::container::static_vector<MutView, Optimizer::max_slots> slots;
  for (Matrix& s : state) {
    slots.push_back(block(s));
    prefetch_next(s, row, col, slots.back());
  }
  const MutView w = block(registry_.value(id));
  prefetch_next(registry_.value(id), row, col, w);
  const Group& owner = groups_[group_of_[static_cast<std::size_t>(id)]];
  owner.optimizer->step(owner.size, g, w, {slots.data(), slots.size()});
  return std::isfinite(w.sum());
}

// Clipping needs all gradients at once, so they are stored first.
void Trainer::step_clipped() {
  sink_.resolve(registry_, stepped_);
  std::vector<MutView> gradients;
  for (const ParamId id : stepped_) {
    if (!sink_.has(id)) continue;
    gradients.push_back(sink_.gradient(id));
    // Clipping might hide it.
    if (!std::isfinite(gradients.back().sum())) throw DivergedError("the gradient of " + non_finite(id));
  }
  if (settings_.clip_value > 0) clip_by_value(gradients, settings_.clip_value);
  if (settings_.clip_norm > 0) clip_by_norm(gradients, settings_.clip_norm);
  for (const ParamId id : stepped_) {
    if (!sink_.has(id)) continue;
    if (!step_block(id, 0, 0, std::as_const(sink_).gradient(id))) throw DivergedError(non_finite(id));
  }
}

std::string Trainer::non_finite(ParamId id) const {
  return cat("'", registry_[id].name, "' became non-finite in epoch ", epoch_ + 1, ", step ", step_);
}

Trainer::Score Trainer::evaluate(const Examples& examples, const std::vector<Index>& ids) {
  const auto start = std::chrono::steady_clock::now();
  const CountMultiplyAdds products;
  BatchBuffer buffer(data_, evaluation_batch);
  Matrix scores(data_.classes, evaluation_batch);
  double loss = 0;
  Index right = 0;
  for (std::size_t first = 0; first < ids.size(); first += evaluation_batch) {
    const Batch batch = buffer.gather(
        examples, std::span(ids).subspan(first, std::min<std::size_t>(evaluation_batch, ids.size() - first)));
    const MutView out = left_cols(scores, batch.size());
    rule_->predict(model_, batch, ws_, out);
    loss += loss_->value(view(out), batch) * static_cast<double>(batch.size());
    for (Index c = 0; c < batch.size(); ++c) {
      Index best = 0;
      out.col(c).maxCoeff(&best);
      right += best == batch.labels[static_cast<std::size_t>(c)];
    }
  }
  const auto n = static_cast<double>(ids.size());
  return {loss / n, static_cast<double>(right) / n, seconds_since(start), products.count()};
}

void Trainer::measure_epoch(double train_seconds, double train_multiply_adds) {
  const Score train = evaluate(data_.train, train_sample_);
  const Score validation = evaluate(data_.train, split_.validation);
  training_.push_back({epoch_, train.loss, train.accuracy, train_seconds, validation.loss, validation.accuracy,
                       validation.seconds, quiet_nan, quiet_nan, quiet_nan, train_multiply_adds,
                       validation.multiply_adds});
  measure_layers();
  if (!std::isfinite(train.loss) || !std::isfinite(validation.loss)) {
    throw DivergedError(cat("the ", std::isfinite(train.loss) ? "validation" : "training",
                            " loss became non-finite in epoch ", epoch_));
  }
  const auto better = [&] {
    for (const EpochMetrics& row : training_) {
      if (row.epoch == best_epoch_) return validation.accuracy > row.validation_accuracy;
    }
    return true;
  };
  if (better()) {
    best_epoch_ = epoch_;
    best_values_.clear();
    for (ParamId id = 0; id < registry_.size(); ++id) best_values_.push_back(registry_.value(id));
  }
}

void Trainer::evaluate_test() {
  std::vector<Index> all(static_cast<std::size_t>(data_.test.size()));
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<Index>(i);
  for (EpochMetrics& row : training_) {
    row.test_loss = row.test_accuracy = row.test_seconds = row.test_multiply_adds = quiet_nan;
    if (row.epoch != best_epoch_ && row.epoch != epoch_) continue;
    std::vector<Matrix> last;
    const bool swap = row.epoch != epoch_;
    for (ParamId id = 0; swap && id < registry_.size(); ++id) {
      last.push_back(registry_.value(id));
      registry_.value(id) = best_values_[static_cast<std::size_t>(id)];
    }
    const Score test = evaluate(data_.test, all);
    for (ParamId id = 0; swap && id < registry_.size(); ++id) registry_.value(id) = last[static_cast<std::size_t>(id)];
    row.test_loss = test.loss;
    row.test_accuracy = test.accuracy;
    row.test_seconds = test.seconds;
    row.test_multiply_adds = test.multiply_adds;
  }
}

std::vector<NamedMatrix> Trainer::weights(Which which) const {
  std::vector<NamedMatrix> all;
  for (ParamId id = 0; id < registry_.size(); ++id) {
    const bool best = which == Which::best && !best_values_.empty();
    all.push_back({registry_[id].name, registry_[id].group,
                   best ? best_values_[static_cast<std::size_t>(id)] : registry_.value(id)});
  }
  return all;
}

}  // namespace strata
