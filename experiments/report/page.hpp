// The report as one HTML page that needs nothing else, and its pictures as files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/report/figure.hpp"
#include "experiments/report/study.hpp"

namespace strata::report {

/// Marks a page as ours, in its head.
inline constexpr const char* generated_by = "content=\"strata report\"";

struct Page {
  std::string html;
  std::vector<std::pair<std::string, std::string>> files;  ///< name.svg, and what it holds
};

Page make_page(const Study& study);

/// What the study comes to, a sentence each: accuracy, gradient, hierarchy, skips. Effects with their intervals and nulls.
/// Above, below, more and less are said by cli::verdict alone.
std::vector<std::string> headlines(const Study& study);

/// The page's script (network_script.cpp): draws the sources of the neuron that the reader picks.
const char* page_script();

}  // namespace strata::report
