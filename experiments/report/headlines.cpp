#include <algorithm>
#include <cmath>

#include "experiments/cli/text.hpp"
#include "experiments/cli/verdict.hpp"
#include "experiments/report/page.hpp"
#include "framework/analysis/significance.hpp"
#include "framework/core/errors.hpp"

namespace strata::report {
namespace {

using cli::AnalysedRuns;
using cli::Moment;

// The interval behind a value; "" with one seed.
std::string behind(const Interval& i, const std::function<std::string(double)>& show) {
  return std::isnan(i.low) ? "" : cat(" ", cli::interval_text(i, show));
}

std::string points(const Interval& i) {
  return cat(cli::signed_percent(i.mean), " points", behind(i, cli::signed_percent));
}

std::string rate_text(const Interval& i) {
  const auto show = [](double v) { return cli::decimal(v, 2); };
  return cat(show(i.mean), behind(i, show));
}

// The networks that the headlines speak of: more than these are for the pictures.
constexpr std::size_t few = 4;

// Items of a list with what they have in common said once; no more than six of them.
std::string listed(const char* what, std::vector<std::string> items) {
  if (items.empty()) return "";
  const std::size_t all = items.size();
  if (all > 6) items.resize(6);
  return cat(" ", what, ": ", join(items), all > 6 ? cat(" and ", all - 6, " more") : "", ".");
}

// The list that a difference belongs to.
std::vector<std::string>& by_verdict(cli::Verdict verdict, std::vector<std::string>& below,
                                     std::vector<std::string>& above, std::vector<std::string>& open) {
  return verdict == cli::Verdict::below ? below : verdict == cli::Verdict::above ? above : open;
}

std::string accuracy_line(const Study& study, const std::string& network) {
  std::string text;
  const auto on = study.networks.size() > 1 ? cat(" on ", network) : std::string();
  std::vector<std::string> below, above, open;
  for (const cli::Cell& c : study.cells) {
    if (c.network != network || std::isnan(c.test_accuracy.mean)) continue;
    if (c.rule == "backprop") {
      text = cat("Accuracy", on, ": backprop reaches ", cli::percent(c.test_accuracy.mean), " % on the test set",
                 behind(c.test_accuracy, cli::percent), ".");
      continue;
    }
    const cli::Verdict verdict = cli::verdict(c.difference, c.p_holm);
    if (verdict != cli::Verdict::none) {
      const std::string p = std::isnan(c.p_holm) ? "" : cat(", p ", cli::p_text(c.p_holm));
      by_verdict(verdict, below, above, open).push_back(cat(c.rule, " ", points(c.difference), p));
    }
  }
  if (text.empty()) {
    // Which of them is the best is a comparison, and nothing was compared.
    std::vector<std::string> means;
    for (const cli::Cell& c : study.cells) {
      if (c.network == network && !std::isnan(c.test_accuracy.mean)) {
        means.push_back(
            cat(c.rule, " ", cli::percent(c.test_accuracy.mean), " %", behind(c.test_accuracy, cli::percent)));
      }
    }
    return means.empty() ? ""
                         : cat("Accuracy", on, " without backprop to compare with.", listed("On the test set", means));
  }
  text += listed("Above it", above);
  text += listed("Below it", below);
  text += listed("Not to be told from it with these seeds", open);
  return text;
}

std::string gradient_line(const Study& study, const AnalysedRuns& s) {
  const auto rate = [&](Moment m) {
    return mean_interval(cli::readings(s, cli::single_value("gradient", "decay_rate", m)));
  };
  const Interval before = rate(Moment::first), after = rate(Moment::last);
  if (after.n == 0) return "";
  const auto said = [](const Interval& i) {
    if (std::isnan(i.low)) return "";
    return i.low > 0    ? " (it decays towards the input)"
           : i.high < 0 ? " (it grows towards the input)"
                        : " (neither decay nor growth is sure)";
  };
  return cat("Gradient: under ", series_name(study, s), " its decay per layer away from the output is ",
             rate_text(before), said(before), " at the first snapshot and ", rate_text(after), said(after),
             " at the last; 0 would be none.");
}

std::string hierarchy_line(const Study& study, const std::string& network) {
  const auto share = cli::prior_share(Scaling::scaled, Moment::last);
  const auto init = cli::prior_share(Scaling::scaled, Moment::last, "_null_init");
  std::vector<const AnalysedRuns*> shown;
  std::vector<double> p;
  for (const AnalysedRuns& s : study.series) {
    if (s.network != network || mean_interval(cli::readings(s, share)).n == 0) continue;
    shown.push_back(&s);
    p.push_back(paired_t_test(cli::readings(s, share), cli::readings(s, init)));
  }
  p = holm(p);
  std::vector<std::string> more, less, open;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const AnalysedRuns& s = *shown[i];
    const Interval change = cli::paired_by_seed(s, share, s, init);
    const std::string item = cat(s.rule, " ", cli::percent(mean(cli::readings(s, share))), " % (", points(change), ")");
    by_verdict(cli::verdict(change, p[i]), less, more, open).push_back(item);
  }
  if (more.empty() && less.empty() && open.empty()) return "";
  return cat(
      "Hierarchy", study.networks.size() > 1 ? cat(" of ", network) : "",
      ": the share of a neuron's strongest sources (scaled) that lie in the layer just before it, and its change since "
      "before training.",
      listed("Training made it more hierarchical under", more), listed("Less so under", less),
      listed("No sure change under", open));
}

std::string skip_line(const Study& study, const std::string& plain, const std::string& skip) {
  std::vector<std::string> items;
  for (const std::string& rule : study.rules) {
    const AnalysedRuns *a = study.find(rule, plain), *b = study.find(rule, skip);
    if (a == nullptr || b == nullptr) continue;
    const auto difference = [&](const char* measure) {
      const auto reading = cli::first_layer_share(measure, Scaling::scaled, Moment::last);
      return cli::paired_by_seed(*b, reading, *a, reading);
    };
    const Interval all = difference("topk_fraction"), mediated = difference("topk_fraction_mediated");
    if (all.n == 0) continue;
    items.push_back(
        cat(rule, " ", points(all), mediated.n == 0 ? "" : cat("; without the skip's own ways ", points(mediated))));
  }
  if (items.empty()) return "";
  return cat("Skip: the first layer's share among the last hidden layer's strongest sources (scaled), ", skip,
             " minus ", plain, ".", listed("After training, under", items));
}

int skip_edges(const Study& study, const std::string& network) {
  for (const AnalysedRuns& s : study.series) {
    const DataGroup* g = s.network == network ? cli::analysis_group(*s.runs.front(), "hierarchy") : nullptr;
    if (g != nullptr) return cli::integer_note(*g, "skip_edges", 0);
  }
  return 0;
}

// NAME and NAME_skip; or the two that there are, if one of them has skips.
bool skip_pair(const Study& study, const std::string& plain, const std::string& skip) {
  if (skip == plain + "_skip") return true;
  return study.networks.size() == 2 && plain != skip && skip_edges(study, plain) == 0 && skip_edges(study, skip) > 0;
}

}  // namespace

std::vector<std::string> headlines(const Study& study) {
  std::vector<std::string> lines;
  const auto add = [&](std::string line) {
    if (!line.empty()) lines.push_back(std::move(line));
  };
  for (std::size_t n = 0; n < std::min(few, study.networks.size()); ++n) add(accuracy_line(study, study.networks[n]));
  std::size_t told = 0;
  for (const AnalysedRuns& s : study.series) {
    if (s.rule == study.rules.front() && told++ < few) add(gradient_line(study, s));
  }
  for (std::size_t n = 0; n < std::min(few, study.networks.size()); ++n) add(hierarchy_line(study, study.networks[n]));
  told = 0;
  for (const std::string& plain : study.networks) {
    for (const std::string& skip : study.networks) {
      if (!skip_pair(study, plain, skip) || told++ >= few) continue;
      add(skip_line(study, plain, skip));
    }
  }
  return lines;
}

}  // namespace strata::report
