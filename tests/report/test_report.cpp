// `strata report`: the page over small comparisons, and what it says of folders that are empty, foreign or half finished.
// How it looks in a browser is checked by tests/interop/check_report.py.
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "experiments/report/page.hpp"
#include "framework/io/hdf5.hpp"
#include "framework/io/run_file.hpp"
#include "tests/cli/program.hpp"

using namespace strata::testing;
using nlohmann::json;

namespace {

const std::string tiny = "--dataset clusters --hidden 10x3 --quiet ";

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

json data_in(const std::string& page) {
  const std::string head = "id=\"strata-data\">";
  const std::size_t from = page.find(head) + head.size();
  return json::parse(page.substr(from, page.find("</script>", from) - from));
}

/// Every tag that opens is closed, in order.
bool balanced(const std::string& svg) {
  std::vector<std::string> open;
  for (std::size_t at = svg.find('<'); at != std::string::npos; at = svg.find('<', at + 1)) {
    const std::size_t end = svg.find('>', at);
    if (svg[at + 1] == '?' || svg[end - 1] == '/') continue;
    const bool closes = svg[at + 1] == '/';
    const std::size_t from = at + (closes ? 2 : 1);
    const std::string name = svg.substr(from, svg.find_first_of(" >", from) - from);
    if (!closes) open.push_back(name);
    else if (open.empty() || open.back() != name) return false;
    else open.pop_back();
  }
  return open.empty();
}

void train(const Scratch& in, const std::string& line, int code = 0) {
  const Outcome o = call(in, line);
  BOOST_REQUIRE_MESSAGE(o.code == code, line << ": exit " << o.code << ": " << o.err);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_comparison_of_a_plain_net_and_one_with_a_skip) {
  const Scratch in;
  write(in / "c.ini",
        "rules=backprop,frozen,fa\nseeds=2\nepochs=2\npermuted=2\nnetworks=plain,plain_skip\nout=o\n[network.plain]"
        "\nhidden=10x3\n"
        "[network.plain_skip]\nhidden=10x3\nskip=1:3\n");
  train(in, "compare --config c.ini --dataset clusters --quiet");
  const Outcome o = call(in, "report o");
  BOOST_TEST(o.code == 0, o.err);
  BOOST_TEST(o.out == "o/report.html\n");
  BOOST_TEST(o.err == "");
  const std::string page = content(in / "o/report.html");
  const Words pictures{"accuracy-by-time",  "angle-to-backprop", "distance-of-sources", "final-accuracy",
                       "gradient-by-depth", "gradient-by-epoch", "layer-similarity",    "learning-curves",
                       "network-plain",     "network-plain_skip"};
  Words found;
  for (const auto& [name, svg] : tree(in / "o/report")) {
    found.push_back(fs::path(name).stem().string());
    BOOST_TEST(balanced(svg), name);
    BOOST_TEST(!contains(svg, "nan"), name);
  }
  BOOST_TEST(found == pictures, boost::test_tools::per_element());
  BOOST_TEST(count(page, "<svg ") == pictures.size());
  BOOST_TEST(count(page, "<figcaption>") == pictures.size() - 1);  // the two networks share one
  // Nothing from elsewhere.
  BOOST_TEST(count(page, "http") == count(page, "http://www.w3.org/2000/svg"));
  for (const char* part : {"src=", "@import", "url("}) BOOST_TEST(!contains(page, part), part);
  for (const char* part : {"null: before training", "null: drawn at random", "null: weights permuted", "C3b: a skip",
                           "vs backprop", "P(above)", "data_checksum", "configuration of fa on plain_skip",
                           "prefers-color-scheme:dark", "@media print"}) {
    BOOST_TEST(contains(page, part), part);
  }
  // A skip is drawn in the one network and not in the other.
  BOOST_TEST(!contains(content(in / "o/report/network-plain.svg"), "\"skipwire\""));
  BOOST_TEST(contains(content(in / "o/report/network-plain_skip.svg"), "\"skipwire\""));

  const json data = data_in(page);
  BOOST_REQUIRE(data["runs"].size() == 12U);
  for (const auto& run : data["runs"]) {
    BOOST_TEST(run["epochs"] == json({0, 1, 2}));
    BOOST_TEST(run["validation_accuracy"].size() == 3U);
    BOOST_TEST(run["grad_mean_abs"].size() == 3U);
    BOOST_TEST(run["grad_mean_abs"][0].size() == run["layers"].size());
  }
  BOOST_REQUIRE(data["pictures"].size() == 6U);
  for (const auto& picture : data["pictures"]) {
    BOOST_TEST(picture["epochs"] == json({0, 2}));
    BOOST_TEST(picture["units"] == json({16, 10, 10, 10, 4}));
    for (const char* scaling : {"scaled", "raw"}) {
      BOOST_REQUIRE(picture[scaling].size() == 2U);
      BOOST_TEST(picture[scaling][0].size() == picture["queries"].size());
    }
  }
  // The numbers are those of the table.
  const json table = json::parse(call(in, "collect o --json").out);
  for (std::size_t i = 0; i < 12; ++i) {
    BOOST_TEST(data["runs"][i]["rule"] == table[i]["rule"]);
    BOOST_TEST(std::abs(data["runs"][i]["test_accuracy"].get<double>() - table[i]["test_accuracy"].get<double>()) <
               1e-6);
  }

  // Again: the same bytes. Elsewhere, and a part of it.
  BOOST_TEST(call(in, "report o").code == 0);
  BOOST_TEST((content(in / "o/report.html") == page));
  const Outcome part = call(in, "report o --rules fa,backprop --networks plain --out here/part.html");
  BOOST_TEST(part.code == 0, part.err);
  BOOST_TEST(data_in(content(in / "here/part.html"))["runs"].size() == 4U);
  BOOST_TEST(fs::exists(in / "here/part/learning-curves.svg"));
  BOOST_TEST(not_refused(call(in, "report o --rules fb"), {"--rules", "'fb'", "did you mean 'fa'"}) == "");
  BOOST_TEST(not_refused(call(in, "report o --networks deep"), {"--networks", "'deep'", "plain_skip"}) == "");
}

// Three seeds; differences to backprop in points. `near` has an interval without 0, and as one rule among three a
// corrected p above .05: words do not call it a difference.
BOOST_AUTO_TEST_CASE(words_go_by_the_corrected_p) {
  strata::report::Study study;
  const std::vector<std::pair<std::string, std::vector<double>>> rules{
      {"backprop", {0, 0, 0}}, {"far", {-6, -6.1, -5.9}}, {"near", {1, 1.5, 0.8}}, {"none", {1, -2, 0}}};
  for (const auto& [rule, points] : rules) {
    for (int seed = 0; seed < 3; ++seed) {
      strata::cli::ResultRow row;
      row.summary.rule = rule;
      row.summary.network = "mlp";
      row.summary.seed = seed;
      row.summary.status = "complete";
      row.summary.test_accuracy = 0.8 + 0.01 * (seed + points[static_cast<std::size_t>(seed)]);
      study.rows.push_back(row);
    }
    study.rules.push_back(rule);
  }
  study.networks = {"mlp"};
  study.cells = strata::cli::cells_of(study.rows);
  BOOST_TEST(study.cells[2].difference.low > 0);
  BOOST_TEST(study.cells[2].p < 0.05);
  BOOST_TEST(study.cells[2].p_holm > 0.05);
  const Words lines = headlines(study);
  BOOST_REQUIRE(lines.size() == 1U);
  BOOST_TEST(contains(lines[0], "Below it: far -6.00 points [-6.25, -5.75], p <0.001. "), lines[0]);
  BOOST_TEST(contains(lines[0], "Not to be told from it with these seeds: near +1.10 points "), lines[0]);
  BOOST_TEST(!contains(lines[0], "Above it"), lines[0]);
  const auto figure = final_accuracy(study);
  BOOST_REQUIRE(figure.has_value());
  BOOST_TEST(contains(figure->sentence, "of 3, 1 lie below backprop and 0 above"), figure->sentence);
  BOOST_TEST(contains(figure->sentence, ", 2 cannot be told from it"), figure->sentence);
  // Alone, near is told; without backprop nothing is, whatever the means.
  study.rows.erase(study.rows.begin() + 9, study.rows.end());
  study.rows.erase(study.rows.begin() + 3, study.rows.begin() + 6);
  study.cells = strata::cli::cells_of(study.rows);
  BOOST_TEST(contains(headlines(study).at(0), "Above it: near +1.10 points"));
  study.rows.erase(study.rows.begin(), study.rows.begin() + 3);
  study.cells = strata::cli::cells_of(study.rows);
  BOOST_TEST(contains(headlines(study).at(0), "without backprop to compare with. On the test set: near 82.10 % ["));
}

// The share of the layer just before, since before training: `grown` on its own would be told, and beside another rule, whose
// change is nothing, is not.
BOOST_AUTO_TEST_CASE(so_do_words_on_the_hierarchy) {
  using strata::DataGroup;
  const auto record = [](const std::string& rule, int seed, double change) {
    DataGroup group{"hierarchy",
                    {{"snapshot", std::vector<std::int32_t>{0, 3}, ""},
                     {"scaling", Words{"raw", "scaled", "unit"}, ""},
                     {"with_input", std::vector<std::int32_t>{0, 1}, ""},
                     {"layer", Words{"h2"}, ""}},
                    {{"targets", {"snapshot", "layer"}, std::vector<std::int32_t>{4, 4}, "", ""}},
                    {}};
    for (const auto& [name, value] :
         {std::pair{"prior_fraction", 0.4 + change}, std::pair{"prior_fraction_null_init", 0.4},
          std::pair{"prior_fraction_null_layer_size", 0.5}}) {
      group.arrays.push_back(
          {name, {"snapshot", "scaling", "with_input", "layer"}, std::vector<double>(12, value), "", ""});
    }
    strata::RunRecord r;
    r.rule = rule;
    r.network = "mlp";
    r.seed = seed;
    r.status = "complete";
    r.analysis = {group};
    return r;
  };
  std::vector<strata::RunRecord> records;
  for (int seed = 0; seed < 3; ++seed) {
    records.push_back(record("grown", seed, std::vector{.10, .15, .08}[static_cast<std::size_t>(seed)]));
    records.push_back(record("still", seed, std::vector{.01, -.02, .0}[static_cast<std::size_t>(seed)]));
  }
  const auto line = [&](const Words& rules) {
    strata::report::Study study;
    std::vector<const strata::RunRecord*> runs;
    for (const auto& r : records) {
      if (std::find(rules.begin(), rules.end(), r.rule) != rules.end()) runs.push_back(&r);
    }
    study.series = strata::cli::analysed_runs(runs);
    study.rules = rules;
    study.networks = {"mlp"};
    return headlines(study).back();
  };
  BOOST_TEST(contains(line({"grown"}), "more hierarchical under: grown 51.00 % (+11.00 points ["), line({"grown"}));
  BOOST_TEST(contains(line({"grown", "still"}), "No sure change under: grown 51.00 % ("), line({"grown", "still"}));
  BOOST_TEST(!contains(line({"grown", "still"}), "more hierarchical"));
}

BOOST_AUTO_TEST_CASE(one_run_and_files_without_a_folder_of_strata) {
  const Scratch in;
  train(in, "run --rule fa --epochs 1 --out o " + tiny);
  BOOST_TEST(call(in, "report o").code == 0);
  const std::string page = content(in / "o/report.html");
  BOOST_TEST(contains(page, "one seed has no interval"));
  BOOST_TEST(!contains(page, "NaN"));
  // The files alone, in a folder of their own; nothing trained; nothing analysed.
  fs::create_directories(in / "files");
  fs::copy_file(only_run(in / "o"), in / "files/a.h5");
  BOOST_TEST(call(in, "report files").code == 0);
  BOOST_TEST(fs::exists(in / "files/report.html"));
  train(in, "run --rule fa --epochs 1 --snapshots none --out bare " + tiny);
  BOOST_TEST(call(in, "report bare").code == 0);
  BOOST_TEST(!contains(content(in / "bare/report.html"), "id=\"network\""));
  BOOST_TEST(contains(content(in / "bare/report.html"), "id=\"learning-curves\""));
}

BOOST_AUTO_TEST_CASE(runs_that_diverged_are_told_of) {
  const Scratch in;
  train(
      in,
      "compare --rules backprop,fa --seeds 1 --epochs 2 --activation identity --fa.optimizer sgd --fa.lr 1e5 --out o " +
          tiny,
      3);
  BOOST_TEST(call(in, "report o").code == 0);
  const std::string page = content(in / "o/report.html");
  BOOST_TEST(contains(page, "diverged"));
  train(in, "run --rule fa --epochs 2 --activation identity --fa.optimizer sgd --fa.lr 1e5 --out alone " + tiny, 3);
  BOOST_TEST(call(in, "report alone").code == 0);
  BOOST_TEST(contains(content(in / "alone/report.html"), "diverged"));
}

BOOST_AUTO_TEST_CASE(a_name_with_markup_stays_a_name) {
  const Scratch in;
  train(in, "run --epochs 1 --out o " + tiny);
  // The program gives no such names; a file may.
  auto record = strata::read_run_file(only_run(in / "o"), true);
  record.rule = "a</script><b>&\"";
  record.network = "</script><b>&\"/../..";
  record.layers[0] = "</title>";
  strata::write_run_file(in / "o/runs/evil.h5", record);
  BOOST_TEST(call(in, "report o").code == 0);
  const std::string page = content(in / "o/report.html");
  BOOST_TEST(count(page, "</script>") == 2U);
  BOOST_TEST(!contains(page, "<b>&"));
  BOOST_TEST(data_in(page)["runs"].size() == 2U);
  for (const auto& [name, svg] : tree(in / "o/report")) BOOST_TEST(balanced(svg), name);
}

BOOST_AUTO_TEST_CASE(nothing_to_report) {
  const Scratch in;
  BOOST_TEST(not_refused(call(in, "report none"), {"none", "no folder"}) == "");
  fs::create_directories(in / "empty/runs");
  const auto before = tree(in.path());
  BOOST_TEST(not_refused(call(in, "report empty"), {"empty", "no finished run", "compare"}) == "");
  BOOST_TEST(not_refused(call(in, "report empty none"), {"'none'", "one folder"}) == "");
  BOOST_TEST((tree(in.path()) == before));
  write(in / "empty/runs/a.h5", "not HDF5");
  BOOST_TEST(not_refused(call(in, "report empty"), {"no finished run", "a.h5"}) == "");
}

BOOST_AUTO_TEST_CASE(files_that_cannot_be_read_are_named_and_left_out) {
  const Scratch in;
  train(in, "compare --rules backprop,fa --seeds 1 --epochs 1 --out o " + tiny);
  const auto files = run_files(in / "o");
  BOOST_REQUIRE(files.size() == 2U);
  // Of another schema version; damaged; foreign; a run that somebody stopped.
  const auto newer = strata::h5::new_file();
  newer.set("schema", "strata-run");
  newer.set("schema_version", 2);
  write(in / "o/runs/newer.h5", newer.image());
  write(in / "o/runs/short.h5", content(files[0]).substr(0, 3000));
  write(in / "o/runs/foreign.h5", "time,value\n");
  write(in / "o/runs/dfa-mlp-s0-0123abcd.checkpoint", "x");
  const Outcome o = call(in, "report o");
  BOOST_TEST(o.code == 3);
  BOOST_TEST(lines(o.err).size() == 4U);
  for (const char* part :
       {"newer.h5", "schema_version 2", "short.h5", "foreign.h5", "unfinished: dfa-mlp-s0-0123abcd"}) {
    BOOST_TEST(contains(o.err, part), part);
    BOOST_TEST(contains(content(in / "o/report.html"),
                        part == std::string("unfinished: dfa-mlp-s0-0123abcd") ? "dfa-mlp-s0-0123abcd" : part),
               part);
  }
  BOOST_TEST(data_in(content(in / "o/report.html"))["runs"].size() == 2U);
}

BOOST_AUTO_TEST_CASE(where_it_goes) {
  const Scratch in;
  train(in, "run --epochs 1 --out o " + tiny);
  write(in / "mine.html", "<p>mine</p>");
  BOOST_TEST(not_refused(call(in, "report o --out mine.html"), {"mine.html", "not written by strata report"}) == "");
  BOOST_TEST(content(in / "mine.html") == "<p>mine</p>");
  BOOST_TEST(not_refused(call(in, "report o --out report.pdf"), {"report.pdf", ".html"}) == "");
  BOOST_TEST(not_refused(call(in, "report o --out"), {"--out"}) == "");
  fs::create_directories(in / "d.html");
  BOOST_TEST(not_refused(call(in, "report o --out d.html"), {"d.html", "folder"}) == "");
  write(in / "file", "x");
  BOOST_TEST(not_refused(call(in, "report o --out file/x.html"), {"file/x", "--out"}) == "");
  BOOST_TEST(!fs::exists(in / "o/report.html"));
}
