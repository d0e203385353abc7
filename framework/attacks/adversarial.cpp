#include "framework/attacks/adversarial.hpp"

#include <algorithm>
#include <limits>

namespace strata {

Best::Best(const Batch& clean, Keep keep)
    : labels_(clean.labels), keep_(keep), found_{clean.x, std::vector<char>(clean.labels.size(), 0)},
      loss_(clean.labels.size(), -std::numeric_limits<double>::infinity()) {}

void Best::see(std::span<const Index> at, View x, View scores, AttackLoss loss) {
  std::vector<std::int32_t> labels;
  for (const Index column : at) labels.push_back(labels_[static_cast<std::size_t>(column)]);
  std::vector<double> values(at.size());
  attack_loss(loss, scores, labels, values, no_view());
  const std::vector<std::int32_t> decided = decisions(scores);
  for (std::size_t i = 0; i < at.size(); ++i) {
    const auto column = static_cast<std::size_t>(at[i]);
    const bool wrong = decided[i] != labels[i];
    const bool better = wrong || values[i] > loss_[column];
    if (keep_ == Keep::best && (found_.fooled[column] || !better)) continue;
    found_.x.col(at[i]) = x.col(static_cast<Index>(i));
    found_.fooled[column] = wrong ? 1 : 0;
    loss_[column] = values[i];
  }
}

bool Best::all_fooled() const {
  return std::all_of(found_.fooled.begin(), found_.fooled.end(), [](char f) { return f != 0; });
}

std::vector<Index> Best::standing() const {
  std::vector<Index> columns;
  for (std::size_t i = 0; i < found_.fooled.size(); ++i) {
    if (!found_.fooled[i]) columns.push_back(static_cast<Index>(i));
  }
  return columns;
}

SubBatch::SubBatch(const Batch& of, const std::vector<Index>& columns)
    : x_(of.x.rows(), static_cast<Index>(columns.size())), one_hot_(of.one_hot.rows(), x_.cols()), low_(of.low),
      high_(of.high) {
  for (Index i = 0; i < x_.cols(); ++i) {
    const Index c = columns[static_cast<std::size_t>(i)];
    x_.col(i) = of.x.col(c);
    one_hot_.col(i) = of.one_hot.col(c);
    labels_.push_back(of.labels[static_cast<std::size_t>(c)]);
    ids_.push_back(of.ids[static_cast<std::size_t>(c)]);
  }
}

}  // namespace strata
