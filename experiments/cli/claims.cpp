#include "experiments/cli/claims.hpp"

#include <algorithm>
#include <cmath>

#include "experiments/cli/claim_accuracy.hpp"
#include "experiments/cli/claim_robustness.hpp"
#include "experiments/cli/text.hpp"
#include "framework/core/errors.hpp"

namespace strata::cli {
namespace {

using Row = std::vector<std::string>;

std::string table(const Row& header, const std::vector<Row>& rows, std::size_t words) {
  std::vector<std::size_t> right;
  for (std::size_t c = words; c + 1 < header.size(); ++c) right.push_back(c);
  return aligned(header, rows, right);
}

// What an interval says about "greater than 0".
std::string above_zero(const Interval& i) {
  if (std::isnan(i.low)) return "undecided: one seed";
  if (i.low > 0) return "yes";
  return i.high < 0 ? "no: the opposite" : "undecided: the interval holds 0";
}

std::string tally(std::size_t yes, std::size_t all, const char* of) { return cat(yes, " of ", all, " ", of); }

std::string gradient_decay(const std::vector<AnalysedRuns>& all) {
  const Row header{
      "rule", "network", "epoch", "rate", "95 % interval", "a layer", "r²", "r² of power law", "exponential decay"};
  std::vector<Row> rows;
  std::size_t yes[2] = {0, 0};
  for (const AnalysedRuns& cell : all) {
    for (const Moment moment : {Moment::first, Moment::last}) {
      const auto of = [&](const char* name) { return readings(cell, single_value("gradient", name, moment)); };
      const Interval rate = mean_interval(of("decay_rate"));
      const double r2 = mean(of("decay_r2")), power = mean(of("power_r2"));
      std::string verdict = above_zero(rate);
      if (verdict == "yes" && !(r2 > 0.9)) verdict = "no: r² ≤ 0.9";
      if (verdict == "yes" && !(r2 > power)) verdict = "no: a power law fits better";
      yes[moment == Moment::last] += verdict == "yes";
      const DataGroup& group = *analysis_group(*cell.runs.front(), "gradient");
      const auto& epochs = std::get<std::vector<std::int32_t>>(group.axis("snapshot").labels);
      rows.push_back({cell.rule, cell.network, std::to_string(moment == Moment::first ? epochs.front() : epochs.back()),
                      decimal(rate.mean), interval_decimal(rate), cat("×", decimal(std::exp(-rate.mean), 2)),
                      decimal(r2), decimal(power), verdict});
    }
  }
  return cat(table(header, rows, 2),
             "\nrate: of mean |∂L/∂a| ~ exp(−rate · distance from the output) over hidden layers, mean over seeds; "
             "below 0 the gradient grows "
             "towards\nthe input. Null: rate 0, and a power law of the distance.\n\nC1, exponential decay: in ",
             tally(yes[0], all.size(), "cases at the first snapshot"), ", in ",
             tally(yes[1], all.size(), "at the last.\n"));
}

std::string decay_with_skips(const std::vector<AnalysedRuns>& all) {
  const Row header{"rule",       "network",       "epoch",      "rate",          "95 % interval",
                   "with skips", "95 % interval", "difference", "95 % interval", "smaller with skips"};
  std::vector<Row> rows;
  std::size_t yes[2] = {0, 0}, pairs = 0;
  for (const AnalysedRuns& plain : all) {
    const AnalysedRuns* skip = partner(all, plain);
    if (skip == nullptr) continue;
    ++pairs;
    for (const Moment moment : {Moment::first, Moment::last}) {
      const Reading reading = single_value("gradient", "decay_rate", moment);
      const Interval a = mean_interval(readings(plain, reading)), b = mean_interval(readings(*skip, reading));
      const Interval difference = paired_by_seed(*skip, reading, plain, reading);
      const char* verdict = "undecided: the intervals meet";
      if (std::isnan(a.low) || std::isnan(b.low)) verdict = "undecided: one seed";
      else if (b.high < a.low) verdict = "yes";
      else if (a.high < b.low) verdict = "no: the opposite";
      yes[moment == Moment::last] += std::string(verdict) == "yes";
      rows.push_back({plain.rule, plain.network, moment == Moment::first ? "first" : "last", decimal(a.mean),
                      interval_decimal(a), decimal(b.mean), interval_decimal(b), signed_decimal(difference.mean),
                      interval_decimal(difference), verdict});
    }
  }
  if (pairs == 0) return "C2: undecided: no pair of networks NAME and NAME_skip was analysed\n";
  return cat(table(header, rows, 2),
             "\nrate: of mean |∂L/∂a| ~ exp(−rate · distance from the output) over hidden layers. difference: with "
             "skips − without, by seed. "
             "Null: 0.\n\nC2, skips make the decay smaller: in ",
             tally(yes[0], pairs, "pairs at the first snapshot"), ", in ", tally(yes[1], pairs, "at the last.\n"));
}

std::string prior_layer(const std::vector<AnalysedRuns>& all, const std::string& group) {
  const Row header{"rule", "network",       "epoch",      "share",         "value",
                   "null", "value of null", "difference", "95 % interval", "above the null"};
  std::vector<Row> rows;
  std::size_t raw = 0, scaled = 0, cells = 0;
  for (const AnalysedRuns& cell : all) {
    if (has_skips(cell.network)) continue;
    ++cells;
    bool raw_yes = false, scaled_yes = true;
    for (const Moment moment : {Moment::first, Moment::last}) {
      const bool last = moment == Moment::last;
      const auto row = [&](Scaling scaling, const std::string& name, const std::string& suffix) {
        const Reading value = prior_share(scaling, moment, "", group);
        const Reading null = prior_share(scaling, moment, suffix, group);
        const Interval difference = paired_by_seed(cell, value, cell, null);
        if (difference.n == 0) return std::string("not measured");
        const std::string verdict = above_zero(difference);
        rows.push_back({cell.rule, cell.network, last ? "last" : "first", scaling == Scaling::raw ? "raw" : "scaled",
                        decimal(mean(readings(cell, value))), name, decimal(mean(readings(cell, null))),
                        signed_decimal(difference.mean), interval_decimal(difference), verdict});
        return verdict;
      };
      const bool above_size = row(Scaling::raw, "layer size", "_null_layer_size") == "yes";
      if (last) row(Scaling::raw, "before training", "_null_init");
      const bool above_permuted = row(Scaling::scaled, "permuted weights", "_null_permuted") == "yes";
      if (!last) continue;
      const bool above_init = row(Scaling::scaled, "before training", "_null_init") == "yes";
      raw_yes = above_size;
      scaled_yes = above_init && above_permuted;
    }
    raw += raw_yes;
    scaled += scaled_yes;
  }
  if (cells == 0) return "C3a: undecided: no network without skips was analysed\n";
  return cat(table(header, rows, 4),
             "\nshare: of a neuron's strongest sources that lie in the layer just before it, hidden sources alone, "
             "mean over neurons.\n"
             "\nC3a after training, raw, above layer size (the article's own reading): ",
             tally(raw, cells, "cases.\n"),
             "C3a after training, scaled, above both before training and permuted weights: ",
             tally(scaled, cells, "cases.\n"));
}

std::string first_layer(const std::vector<AnalysedRuns>& all, const std::string& group) {
  const Row header{"rule",  "network", "epoch",      "share",         "ways",
                   "plain", "skip",    "difference", "95 % interval", "rises"};
  std::vector<Row> rows;
  std::size_t pairs = 0, total_yes[2] = {0, 0}, mediated_yes[2] = {0, 0};
  for (const AnalysedRuns& plain : all) {
    const AnalysedRuns* skip = partner(all, plain);
    if (skip == nullptr) continue;
    ++pairs;
    for (const Moment moment : {Moment::first, Moment::last}) {
      for (const Scaling scaling : {Scaling::raw, Scaling::scaled}) {
        for (const bool mediated : {false, true}) {
          const Reading reading =
              first_layer_share(mediated ? "topk_fraction_mediated" : "topk_fraction", scaling, moment, "", group);
          const Interval difference = paired_by_seed(*skip, reading, plain, reading);
          const std::string verdict = difference.n == 0 ? "not measured" : above_zero(difference);
          if (moment == Moment::last && verdict == "yes")
            ++(mediated ? mediated_yes : total_yes)[scaling == Scaling::scaled];
          rows.push_back({plain.rule, plain.network, moment == Moment::first ? "first" : "last",
                          scaling == Scaling::raw ? "raw" : "scaled", mediated ? "without the skip" : "all",
                          decimal(mean(readings(plain, reading))), decimal(mean(readings(*skip, reading))),
                          signed_decimal(difference.mean), interval_decimal(difference), verdict});
        }
      }
    }
  }
  if (pairs == 0) return "C3b: undecided: no pair of networks NAME and NAME_skip was analysed\n";
  return cat(table(header, rows, 5),
             "\nshare: of the strongest sources of the last hidden layer's neurons that lie in the first hidden layer, "
             "hidden sources alone.\n"
             "ways: by all of them, or by those alone that use no skip (the part that is not true by construction). "
             "Null: the plain network.\n"
             "\nC3b after training, by all ways: raw ",
             tally(total_yes[0], pairs, "pairs"), ", scaled ", tally(total_yes[1], pairs, "pairs.\n"),
             "C3b after training, without the skip: raw ", tally(mediated_yes[0], pairs, "pairs"), ", scaled ",
             tally(mediated_yes[1], pairs, "pairs.\n"));
}

// Of single neurons, and where there are nets of images of their channels too.
std::string by_neuron_and_channel(const std::vector<AnalysedRuns>& all,
                                  std::string (*claim)(const std::vector<AnalysedRuns>&, const std::string&)) {
  std::vector<AnalysedRuns> of_images;
  for (const AnalysedRuns& cell : all) {
    if (analysis_group(*cell.runs.front(), "hierarchy_channels") != nullptr) of_images.push_back(cell);
  }
  if (of_images.empty()) return claim(all, "hierarchy");
  return cat("By neuron, which is a channel at a position:\n\n", claim(all, "hierarchy"),
             "\nBy channel, whose mean over its positions is a neuron:\n\n", claim(of_images, "hierarchy_channels"));
}

}  // namespace

bool has_skips(const std::string& network) { return network.size() > 5 && network.ends_with("_skip"); }

const AnalysedRuns* partner(const std::vector<AnalysedRuns>& all, const AnalysedRuns& plain) {
  for (const AnalysedRuns& c : all) {
    if (c.rule == plain.rule && c.network == plain.network + "_skip") return &c;
  }
  return nullptr;
}

const std::vector<std::string>& claim_names() {
  static const std::vector<std::string> names{"c1", "c2", "c3a", "c3b", "c5", "c6"};
  return names;
}

void check_claim(const std::string& claim) {
  const auto& known = claim_names();
  if (std::find(known.begin(), known.end(), claim) == known.end()) {
    throw UsageError(cat("--claim: ", unknown_name("claim", claim, known)));
  }
}

std::string claim_text(const std::string& claim, const ClaimRuns& runs) {
  check_claim(claim);
  const auto& analysed = runs.analysed;
  std::string text;
  if (claim == "c6") text = accuracy_claim(runs.rows, runs.records);
  else if (analysed.empty()) text = cat(claim, ": undecided: no run was finished and analysed (--snapshots none?)\n");
  else if (claim == "c5") text = robustness_claim(analysed);
  else if (claim == "c1") text = gradient_decay(analysed);
  else if (claim == "c2") text = decay_with_skips(analysed);
  else if (claim == "c3a") text = by_neuron_and_channel(analysed, prior_layer);
  else text = by_neuron_and_channel(analysed, first_layer);
  for (const std::string& line : runs.unsupported) text += cat("Left out: ", line, "\n");
  return text;
}

}  // namespace strata::cli
