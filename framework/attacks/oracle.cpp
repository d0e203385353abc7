#include "framework/attacks/oracle.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "framework/core/errors.hpp"

namespace strata {
namespace {

// Indices of the three largest scores, the lowest of equals first; −1 where there are fewer classes.
std::array<Index, 3> largest(const Scalar* s, Index classes) {
  std::array<Index, 3> top{-1, -1, -1};
  for (Index k = 0; k < classes; ++k) {
    Index candidate = k;
    for (Index& place : top) {
      if (place < 0 || s[candidate] > s[place]) std::swap(candidate, place);
      if (candidate < 0) break;
    }
  }
  return top;
}

double cross_entropy(const Scalar* s, Index classes, Index label, Scalar* d) {
  const double high = *std::max_element(s, s + classes);
  double sum = 0;
  for (Index k = 0; k < classes; ++k) sum += std::exp(s[k] - high);
  const double log_sum = high + std::log(sum);
  if (d != nullptr) {
    for (Index k = 0; k < classes; ++k) d[k] = static_cast<Scalar>(std::exp(s[k] - log_sum) - (k == label ? 1 : 0));
  }
  return log_sum - s[label];
}

double margin(const Scalar* s, Index classes, Index label, Scalar* d) {
  const auto top = largest(s, classes);
  const Index rival = top[0] == label ? top[1] : top[0];
  if (d != nullptr) std::fill_n(d, classes, Scalar(0));
  if (rival < 0) return 0;
  const double gap = static_cast<double>(s[rival]) - s[label];
  const double scale = top[2] < 0 ? 1 : static_cast<double>(s[top[0]]) - s[top[2]];
  if (!(scale > 0)) return 0;  // three alike: no direction
  if (d != nullptr) {
    d[rival] += static_cast<Scalar>(1 / scale);
    d[label] -= static_cast<Scalar>(1 / scale);
    if (top[2] >= 0) {
      d[top[0]] -= static_cast<Scalar>(gap / (scale * scale));
      d[top[2]] += static_cast<Scalar>(gap / (scale * scale));
    }
  }
  return gap / scale;
}

}  // namespace

void attack_loss(AttackLoss loss, View scores, std::span<const std::int32_t> labels, std::span<double> values,
                 MutView d) {
  const auto examples = static_cast<std::size_t>(scores.cols());
  if (labels.size() != examples || (!values.empty() && values.size() != examples)) {
    throw ShapeError(cat("attack loss: ", examples, " columns of scores, ", labels.size(), " labels, room for ",
                         values.size(), ": expected as many of each"));
  }
  for (Index b = 0; b < scores.cols(); ++b) {
    const Scalar* s = scores.data() + b * scores.outerStride();
    Scalar* gradient = d.size() == 0 ? nullptr : d.data() + b * d.outerStride();
    const auto of = loss == AttackLoss::cross_entropy ? cross_entropy : margin;
    const double value = of(s, scores.rows(), labels[static_cast<std::size_t>(b)], gradient);
    if (!values.empty()) values[static_cast<std::size_t>(b)] = value;
  }
}

std::vector<std::int32_t> decisions(View scores) {
  std::vector<std::int32_t> classes;
  for (Index b = 0; b < scores.cols(); ++b) {
    Index best = 0;
    for (Index k = 1; k < scores.rows(); ++k) {
      if (scores(k, b) > scores(best, b)) best = k;
    }
    classes.push_back(scores.col(b).hasNaN() ? -1 : static_cast<std::int32_t>(best));
  }
  return classes;
}

void NetOracle::scores(const Batch& batch, MutView scores) { rule_.predict(model_, batch, ws_, scores); }

bool TrueOracle::gradient(const Batch& batch, AttackLoss loss, MutView scores, MutView dx) {
  this->scores(batch, scores);
  const MutView d = ws_.scratch("attack/dscores", scores.rows(), scores.cols());
  attack_loss(loss, view(scores), batch.labels, {}, d);
  return pull_back(batch, view(d), dx);
}

bool TrueOracle::pull_back(const Batch& batch, View dscores, MutView dx) {
  return rule_.predict_pull_back(model_, batch, ws_, dscores, dx);
}

bool FeedbackOracle::gradient(const Batch& batch, AttackLoss, MutView scores, MutView dx) {
  this->scores(batch, scores);
  if (!rule_.feedback_input_gradient(model_, batch, ws_, dx)) return false;
  dx *= static_cast<Scalar>(batch.size());  // the rule's loss is a mean
  return true;
}

}  // namespace strata
