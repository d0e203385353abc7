// `strata report`: the finished runs of a folder as one page, and its pictures as files.
#include <cctype>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "experiments/cli/commands.hpp"
#include "experiments/report/page.hpp"
#include "framework/core/errors.hpp"
#include "framework/io/replace_file.hpp"

namespace strata::cli {
namespace {

namespace fs = std::filesystem;

// A file that we did not write stays as it is.
void check_ours(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) return;
  if (fs::is_directory(file, error)) {
    throw UsageError(cat("--out ", file.string(), ": is a folder; expected the name of an HTML file"));
  }
  std::ifstream in(file, std::ios::binary);
  std::string head(4096, '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  if (head.find(report::generated_by) == std::string::npos) {
    throw UsageError(cat("--out ", file.string(),
                         ": is there and was not written by strata report; remove it or choose another name"));
  }
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw UsageError(cat("report ", folder.string(), ": cannot be written: ", error.message(),
                         "; say with --out where the report goes"));
}

// A network's name may hold anything; a file's name here does not.
std::string file_name(const std::string& name) {
  std::string safe;
  for (const char c : name)
    safe += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.' ? c : '-';
  return safe;
}

std::vector<OptionDef> report_options() {
  return {{"out", "", "FILE",
           "the page; by default DIR/report.html. Its pictures go to a folder of that name without .html"},
          {"rules", "", "NAME,…", "only these rules", {.rules = true}},
          {"networks", "", "NAME,…", "only these networks"}};
}

int report(const Program& program, const Arguments& arguments) {
  std::vector<std::string> words;
  const Values values = parse_values(report_options(), {}, arguments, &words);
  if (words.size() > 1) throw UsageError(cat("report: stray word '", words[1], "'; expected one folder"));
  const fs::path folder = words.empty() ? "strata-out" : words[0];
  const auto study = report::read_study(program, folder, {values.list("rules"), values.list("networks")});
  for (const std::string& c : study.complaints) std::fprintf(stderr, "strata: left out: %s\n", c.c_str());
  for (const std::string& u : study.unfinished) std::fprintf(stderr, "strata: left out, unfinished: %s\n", u.c_str());

  if (values.given("out") && values.text("out").empty()) throw UsageError("--out: expected the name of an HTML file");
  const fs::path out = values.given("out") ? fs::path(values.text("out")) : folder / "report.html";
  if (out.extension() != ".html") throw UsageError(cat("--out ", out.string(), ": expected a name that ends in .html"));
  check_ours(out);
  const auto page = report::make_page(study);
  const fs::path pictures = fs::path(out).replace_extension();
  make_folder(pictures);
  for (const auto& [name, svg] : page.files) replace_file(pictures / file_name(name), svg);
  replace_file(out, page.html);
  std::cout << out.string() << '\n';
  return study.complaints.empty() ? 0 : 3;
}

}  // namespace

Command report_command() {
  return {
      .name = "report",
      .summary = "draw the runs of a folder: one HTML page and its pictures as SVG files",
      .usage = "[DIR] [OPTIONS]",
      .about =
          {"Draws the finished runs of a folder (strata-out): accuracy, gradient and hierarchy, each with intervals "
           "over seeds and beside its null, and any neuron with its strongest sources. The page opens from disk "
           "and needs nothing else. Where `--tune` searched, it shows the best after each number of trials. Files that "
           "cannot be read are named and left out (exit 3)."},
      .groups = {{"", report_options()}},
      .words = {.files = "/"},
      .one_word = true,
      .examples = {{"strata report my-runs"},
                   {"strata report my-runs --rules backprop,fa --out fa.html", "some of it, elsewhere"}},
      .see = {"files"},
      .call = report};
}

}  // namespace strata::cli
