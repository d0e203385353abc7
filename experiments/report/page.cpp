#include "experiments/report/page.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "experiments/cli/build_info.hpp"
#include "experiments/cli/claims.hpp"
#include "experiments/cli/findings_robustness.hpp"
#include "experiments/report/network_picture.hpp"
#include "framework/core/errors.hpp"
#include "framework/io/run_file.hpp"

namespace strata::report {
namespace {

using nlohmann::ordered_json;

constexpr const char* page_style = R"css(
:root{--paper:#fff;--ink:#22262b;--soft:#5b626b;--rule:#dfe3e8;--link:#1f5fbf;--panel:#f5f6f8}
@media screen and (prefers-color-scheme:dark){:root{--paper:#16191d;--ink:#e6e9ed;--soft:#a3a9b3;--rule:#2b3037;--link:#6ea8ff;--panel:#1e2228}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif}
main,header,footer{max-width:1060px;margin:0 auto;padding:0 24px}
header{padding-top:28px}h1{font-size:26px;margin:0 0 4px;overflow-wrap:anywhere}h2{font-size:20px;margin:44px 0 8px;padding-top:8px;border-top:1px solid var(--rule)}
p,li{max-width:76ch}.soft,figcaption{color:var(--soft)}a{color:var(--link)}
nav{font-size:14px;line-height:2}nav a{margin-right:14px;white-space:nowrap}
figure{margin:8px 0 0}figcaption{max-width:90ch;margin-top:4px}
svg.plot{max-width:100%;height:auto;display:block}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums;margin:8px 0}
th,td{padding:3px 12px 3px 0;text-align:left;border-bottom:1px solid var(--rule);vertical-align:top;white-space:nowrap}
td.n,th.n{text-align:right}td.long{white-space:normal;overflow-wrap:anywhere}
pre{background:var(--panel);padding:12px;overflow-x:auto;font-size:12.5px;line-height:1.4}
summary{cursor:pointer;color:var(--link)}
.nets{display:flex;flex-wrap:wrap;gap:10px}.nets>div{flex:1 1 440px;max-width:506px}
.controls{background:var(--panel);padding:10px 12px;border-radius:6px;margin:8px 0;font-size:14px;line-height:2.2}
.controls label{margin-right:16px;white-space:nowrap}
.controls[hidden],.nets>div[hidden]{display:none}
.in-short li{margin:4px 0}
@media print{svg.plot{max-height:235mm;width:auto}.nets>div{flex:1 1 45%}nav,.controls{display:none}body{font-size:11pt}h2{break-after:avoid}figure,tr,.nets>div{break-inside:avoid}details:not([open])>*{display:none}.wide,pre{overflow:visible}pre{white-space:pre-wrap}td,th{white-space:normal}}
)css";

std::string html_of(const cli::Table& table) {
  if (table.rows.empty()) return "";
  std::string html = "<div class=\"wide\"><table>\n<thead><tr>";
  for (std::size_t c = 0; c < table.header.size(); ++c) {
    html += cat("<th", c >= table.words ? " class=\"n\"" : "", ">", escaped(table.header[c]), "</th>");
  }
  html += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    html += "<tr>";
    for (std::size_t c = 0; c < row.size(); ++c) {
      const bool rest = c + 1 == row.size() && row.size() < table.header.size();
      html += cat("<td", c >= table.words && !rest ? " class=\"n\"" : "",
                  rest ? cat(" colspan=\"", table.header.size() - c, "\"") : "", ">", escaped(row[c]), "</td>");
    }
    html += "</tr>\n";
  }
  html += "</tbody></table></div>\n";
  return table.note.empty() ? html : cat(html, "<p class=\"soft\">", escaped(table.note), "</p>\n");
}

std::string claims_part(const Study& study) {
  cli::ClaimRuns runs{.analysed = analysed_series(study, ""), .rows = study.rows};
  for (const cli::StoredRun& run : study.runs) {
    runs.records.push_back(run.record.status == "complete" ? &run.record : nullptr);
  }
  const auto& analysed = runs.analysed;
  const bool pairs = std::any_of(analysed.begin(), analysed.end(),
                                 [&](const auto& plain) { return cli::partner(analysed, plain) != nullptr; });
  if (analysed.empty()) return "";
  std::string html = "<h2 id=\"claims\">The article's claims on these runs</h2>\n";
  const std::vector<std::pair<const char*, const char*>> claims{
      {"c1", "C1: the gradient decays exponentially with depth"},
      {"c2", "C2: skip connections undo that"},
      {"c3a", "C3a: the strongest sources lie in the layer just before"},
      {"c3b", "C3b: a skip makes first-layer neurons more important"},
      {"c5", "C5: nets of other rules are harder to fool"},
      {"c6", "C6: other rules fail to match backprop"}};
  for (const auto& [claim, title] : claims) {
    const bool of_pairs = std::string(claim) == "c2" || std::string(claim) == "c3b";
    if (of_pairs && !pairs) continue;
    if (std::string(claim) == "c5" && cli::attacked_alike(analysed).empty()) continue;
    html += cat("<details><summary>", title, "</summary><pre>", escaped(cli::claim_text(claim, runs)),
                "</pre></details>\n");
  }
  if (!pairs)
    html +=
        "<p class=\"soft\">C2 and C3b compare networks called NAME and NAME_skip; there is no such pair here.</p>\n";
  return html;
}

cli::Table runs_table(const Study& study) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& row : study.rows) {
    const SummaryRow& s = row.summary;
    rows.push_back({s.rule, s.network, s.dataset, s.status, std::to_string(s.seed), std::to_string(s.epochs),
                    s.best_epoch < 0 ? "–" : std::to_string(s.best_epoch), cli::percent(s.val_accuracy),
                    cli::percent(s.test_accuracy), cli::percent(s.test_accuracy_last), cli::decimal(s.seconds, 1),
                    s.file});
    if (!row.reason.empty()) rows.back()[3] += cat(": ", row.reason);
  }
  return {{"rule", "network", "data", "status", "seed", "epochs", "best epoch", "validation %", "test %",
           "last epoch %", "seconds", "file"},
          rows,
          4,
          ""};
}

// What of the provenance the runs have in common, and what not.
std::string provenance_part(const Study& study) {
  std::map<std::string, std::vector<std::string>> values;
  std::vector<std::string> order;
  for (const auto& run : study.runs) {
    for (const auto& [key, value] : run.record.provenance.items()) {
      if (key == "config") continue;
      if (!values.contains(key)) order.push_back(key);
      const std::string text = value.is_string()         ? value.get<std::string>()
                               : value.is_number_float() ? cli::with_commas(value.get<double>())
                                                         : value.dump();
      auto& of = values[key];
      cli::add_missing(of, text);
    }
  }
  std::string html = "<div class=\"wide\"><table><tbody>\n";
  for (const std::string& key : order) {
    auto of = values[key];
    const std::size_t all = of.size();
    if (key == "start" && all > 1) of = {cat(*std::min_element(of.begin(), of.end()), " (the first)")};
    if (key == "end" && all > 1) of = {cat(*std::max_element(of.begin(), of.end()), " (the last)")};
    if (of.size() > 5) of.resize(5);
    html += cat("<tr><th>", escaped(key), "</th><td class=\"long\">", escaped(join(of)),
                all > 5 ? cat(" and ", all - 5, " more") : "", "</td></tr>\n");
  }
  html += "</tbody></table></div>\n";
  // A configuration of each cell: enough to run it again.
  for (const cli::AnalysedRuns& s : study.series) {
    const auto at = s.runs.front()->provenance.find("config");
    if (at == s.runs.front()->provenance.end() || !at->is_string()) continue;
    const auto config = ordered_json::parse(at->get<std::string>(), nullptr, false);
    if (config.is_discarded()) continue;
    html += cat("<details><summary>configuration of ", escaped(s.rule), " on ", escaped(s.network), "</summary><pre>",
                escaped(config.dump(1)), "</pre></details>\n");
  }
  return html;
}

ordered_json numbers(const std::vector<double>& values) {
  auto out = ordered_json::array();
  for (const double v : values) out.push_back(short_number(v));
  return out;
}

std::string page_data(const Study& study, const std::vector<NeuronSources>& sources) {
  auto runs = ordered_json::array();
  for (std::size_t i = 0; i < study.runs.size(); ++i) {
    const SummaryRow& s = study.rows[i].summary;
    const RunRecord& r = study.runs[i].record;
    ordered_json run{{"rule", s.rule},
                     {"network", s.network},
                     {"dataset", s.dataset},
                     {"seed", s.seed},
                     {"status", s.status},
                     {"file", s.file},
                     {"test_accuracy", short_number(s.test_accuracy)},
                     {"test_accuracy_last", short_number(s.test_accuracy_last)}};
    auto epochs = ordered_json::array();
    for (const EpochMetrics& e : r.training) epochs.push_back(e.epoch);
    run["epochs"] = std::move(epochs);
    for (const TrainingField& field : training_fields()) {
      for (std::size_t split = 0; split < 2; ++split) {
        std::vector<double> values;
        for (const EpochMetrics& e : r.training) values.push_back(e.*field.values[split]);
        run[cat(split_names[split], "_", field.name)] = numbers(values);
      }
    }
    run["layers"] = r.layers;
    for (const auto& [name, measure] : {std::pair{"grad_mean_abs", &LayerMetrics::grad_mean_abs},
                                        std::pair{"angle_to_backprop", &LayerMetrics::angle_to_backprop}}) {
      auto rows = ordered_json::array();
      for (const LayerMetrics& m : r.layer_metrics) rows.push_back(numbers(m.*measure));
      run[name] = std::move(rows);
    }
    runs.push_back(std::move(run));
  }
  auto search = ordered_json::array();
  for (const cli::TunedCell& cell : study.search) {
    auto score = ordered_json::array(), status = ordered_json::array();
    for (const cli::Trial& t : cell.trials) {
      score.push_back(short_number(t.score));
      status.push_back(t.status);
    }
    search.push_back({{"rule", cell.rule},
                      {"network", cell.network},
                      {"chosen", cell.best},
                      {"score", std::move(score)},
                      {"status", std::move(status)}});
  }
  const ordered_json data{{"schema", "strata-report"},
                          {"schema_version", 1},
                          {"runs", std::move(runs)},
                          {"pictures", to_json(sources)},
                          {"search", std::move(search)}};
  std::string text = data.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  std::string safe;
  for (const char c : text) safe += c == '<' ? std::string("\\u003c") : std::string(1, c);  // "</script>" in a name
  return safe;
}

std::string network_part(const std::vector<NetworkPicture>& pictures, const std::vector<NeuronSources>& sources) {
  const NeuronSources& first = *pictures.front().shown;
  const auto [layer, neuron] = first.queries[first_query(first)];
  std::string html = "<h2 id=\"network\">A neuron and what decides it</h2>\n<figure>\n";
  html += cat("<div class=\"controls\" id=\"pick\" hidden data-rule=\"", escaped(first.rule), "\" data-layer=\"",
              escaped(first.layers[static_cast<std::size_t>(layer)]), "\" data-neuron=\"", neuron,
              "\">\n<label>rule <select id=\"pick-rule\"></select></label><label>layer <select "
              "id=\"pick-layer\"></select></label><label>neuron <select "
              "id=\"pick-neuron\"></select></label><label>influence <select id=\"pick-scaling\"><option "
              "value=\"scaled\">scaled</option><option "
              "value=\"raw\">raw</option></select></label><span id=\"pick-networks\">");
  if (pictures.size() > 1) {
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      html += cat("<label><input type=\"checkbox\" value=\"", escaped(pictures[i].figure.title), "\"",
                  i < 2 ? " checked" : "", "> ", escaped(pictures[i].figure.title), "</label>");
    }
  }
  html += "</span></div>\n";
  html += "<div class=\"nets\">\n";
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    html += cat("<div data-network=\"", escaped(pictures[i].figure.title), "\"", i < 2 ? "" : " hidden", ">",
                pictures[i].figure.svg.element(), "</div>\n");
  }
  std::size_t k = 0;
  for (const NeuronSources& s : sources) {
    for (const auto& query : s.scaled.back()) k = std::max(k, query.size());
  }
  html += cat("</div>\n<figcaption><span id=\"pick-says\">", escaped(pictures.front().figure.sentence),
              "</span> Each column is a layer, its height after the number of neurons; the ", k,
              " sources with the largest mean |∂a_neuron/∂a_source| are marked, edges as wide as their influence, "
              "orange where more of the source makes more of the "
              "neuron, purple where less; the numbers below are those influences. Arcs are skip connections. One seed: "
              "a neuron is another one under another seed.</figcaption>\n</figure>\n");
  return html;
}

std::string notes_part(const Study& study) {
  std::string html;
  const auto list = [&](const char* title, const std::vector<std::string>& items) {
    if (items.empty()) return;
    html += cat("<details open><summary>", title, "</summary><ul>\n");
    for (const std::string& item : items) html += cat("<li class=\"soft\">", escaped(item), "</li>\n");
    html += "</ul></details>\n";
  };
  list("Left out: files that cannot be read", study.complaints);
  list("Unfinished runs, left out", study.unfinished);
  if (study.is_search) {
    html +=
        "<p class=\"soft\">Runs with seeds from 1,000,000,000 on are trials of a search, each with a setting of "
        "its own, stopped early or not: what is a mean or an interval over seeds elsewhere is one over settings "
        "here.</p>\n";
  }
  return html;
}

}  // namespace

Page make_page(const Study& study) {
  Page page;
  const auto sources = neuron_sources(study);
  const auto pictures = network_pictures(study, sources);
  std::string nav, body;
  const auto section = [&](const std::string& id, const std::string& title, const std::string& html) {
    if (html.empty()) return;
    nav += cat("<a href=\"#", id, "\">", escaped(title), "</a>\n");
    body += html;
  };
  const auto figure = [&](const std::optional<Figure>& f, const std::string& below = "") {
    if (!f) return;
    section(f->name, f->title,
            cat("<h2 id=\"", f->name, "\">", escaped(f->title), "</h2>\n<figure>\n", f->svg.element(), "<figcaption>",
                escaped(f->sentence), "</figcaption>\n</figure>\n", below));
    page.files.emplace_back(f->name + ".svg", f->svg.file());
  };
  figure(final_accuracy(study));
  figure(learning_curves(study));
  if (!pictures.empty()) section("network", "A neuron's sources", network_part(pictures, sources));
  for (const NetworkPicture& p : pictures) page.files.emplace_back(p.figure.name + ".svg", p.figure.svg.file());
  figure(distances_of_sources(study));
  figure(gradient_by_depth(study));
  figure(gradient_by_epoch(study));
  figure(angles_to_backprop(study));
  figure(layer_similarity(study));
  figure(robustness_curves(study));
  figure(robustness_by_path(study));
  figure(robustness_and_hierarchy(study));
  figure(adversarial_images(study));
  figure(accuracy_by_time(study));
  figure(search_curves(study), html_of(search_table(study)));
  section("claims", "Claims", claims_part(study));
  section("tables", "Tables",
          cat("<h2 id=\"tables\">Tables</h2>\n", html_of(cli::results_table(study.cells, true)),
              html_of(cli::overall_table(study.cells)), html_of(cli::hierarchy_table(study.series)),
              html_of(cli::robustness_table(study.series)), "<details", study.rows.size() <= 30 ? " open" : "",
              "><summary>", study.rows.size(), " runs</summary>\n", html_of(runs_table(study)), "</details>\n"));
  section("provenance", "Provenance", cat("<h2 id=\"provenance\">Provenance</h2>\n", provenance_part(study)));

  std::vector<std::string> datasets;
  for (const auto& run : study.runs) {
    cli::add_missing(datasets, run.record.dataset);
  }
  const auto several = [](std::size_t n, const char* what) { return cat(n, " ", what, n == 1 ? "" : "s"); };
  const std::string title = cat(several(study.rules.size(), "learning rule"), " on ", join(datasets));
  std::string short_list;
  for (const std::string& line : headlines(study)) {
    const std::size_t topic = line.find(':');
    short_list += cat("<li><b>", escaped(line.substr(0, topic)), "</b>", escaped(line.substr(topic)), "</li>\n");
  }
  page.html = cat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"generator\" ", generated_by,
      ">\n<meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\">\n<link rel=\"icon\" href=\"data:,\">\n<title>",
      escaped(title), " · Strata</title>\n<style>", page_style, svg_style(),
      "</style>\n</head>\n<body>\n<header>\n<h1>", escaped(title), "</h1>\n<p class=\"soft\">",
      several(study.runs.size(), "run"), " in ", escaped(study.folder.string()), ": ", escaped(join(study.rules)), "; ",
      several(study.networks.size(), "network"), "; ", seeds_text(study), ".</p>\n", notes_part(study),
      short_list.empty() ? "" : cat("<ul class=\"in-short\">\n", short_list, "</ul>\n"), "<nav>", nav,
      "</nav>\n</header>\n<main>\n", body, "</main>\n<footer><p class=\"soft\">Written by strata ",
      cli::build_info().version,
      ". The numbers behind the pictures: "
      "<code>JSON.parse(document.getElementById(\"strata-data\").textContent)</code>, and the HDF5 files named "
      "above.</p></footer>\n<script type=\"application/json\" id=\"strata-data\">",
      page_data(study, sources), "</script>\n<script>", page_script(), "</script>\n</body>\n</html>\n");
  return page;
}

}  // namespace strata::report
