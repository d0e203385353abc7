// The topics of the help that are no command: what entries there are, and what all commands share.
#include "experiments/cli/help.hpp"
#include "framework/core/errors.hpp"
#include "framework/graph/architectures.hpp"
#include "framework/optim/optimizer.hpp"

namespace strata::cli {
namespace {

template <class Entries> Definitions named(const Entries& entries) {
  Definitions list;
  for (const auto& e : entries) list.items.push_back({e.name, "", e.summary});
  return list;
}

Topic rules_topic(const Program& program) {
  return {
      "rules",
      "Rules",
      "the learning rules, a line each",
      {Paragraph{
           "A learning rule turns a batch into pseudo-gradients; all else is the same for all of them. `strata help "
           "RULE` gives a rule's source, what it needs of a network, and its options with their defaults; `strata "
           "list rules` a table."},
       named(program.rules.entries()),
       Paragraph{"A rule's own options are written `--RULE.OPTION VALUE`. Each rule also has those of its optimizers, "
                 "`--RULE.optimizer`, `--RULE.lr` and so on, with defaults that are good for the default network; "
                 "`--optimizer` and `--lr` are for all rules of a comparison."}}};
}

Topic network_topic() {
  return {
      "network",
      "Networks",
      "how a network is described: options, several networks, graph files",
      {Paragraph{"By default a multi-layer perceptron named mlp, described by the options `--hidden`, `--activation`, "
                 "`--init`, `--skip` and the others of their group: `--hidden 256x5` is five hidden layers of 256. "
                 "`--skip 1:4` adds the output of hidden layer 1 to the pre-activation of layer 4; where their widths "
                 "differ, `--skip-mode project` or `concat` makes them fit."},
       Paragraph{"For images there are networks known by name:"}, named(architectures().entries()),
       Paragraph{"`--network lenet` is one as it is; `--activation`, `--init`, `--norm`, `--dropout`, `--skip` and the "
                 "others "
                 "change it. The residual nets bring their skips along; `--skip none` takes them out and leaves the "
                 "rest as it "
                 "was. A skip of such a net takes what the next layer reads; `--skip-mode fit` sends it through "
                 "weights of its "
                 "own (1×1) where shapes differ. In a section of an INI file, `architecture = resnet8` says what it "
                 "changes."},
       Paragraph{
           "Several networks in one comparison: sections [network.NAME] of an INI file (`strata help config`), chosen "
           "by `--networks NAME,NAME`."},
       Paragraph{
           "Any other acyclic network is a graph file, `--network FILE.json`; `strata run --print-graph` writes one "
           "to begin with:"},
       Verbatim{{"{\"schema\": \"strata-graph\", \"schema_version\": 1, \"input\": [784],", " \"nodes\": [",
                 "   {\"name\": \"h1\", \"type\": \"dense\", \"inputs\": [\"input\"], \"units\": 64},",
                 "   {\"name\": \"a1\", \"type\": \"relu\", \"inputs\": [\"h1\"]},",
                 "   {\"name\": \"logits\", \"type\": \"dense\", \"inputs\": [\"a1\"], \"units\": 10}],",
                 " \"output\": \"logits\"}"}},
       Paragraph{"The types of nodes and their attributes: `strata help layers`. Unknown keys are errors."}}};
}

Topic layers_topic(const Program& program) {
  return {
      "layers",
      "Layers",
      "the types of nodes in a graph file, with their attributes",
      {Paragraph{"What the \"type\" of a node in a graph file can be (`strata help network`). After the semicolon: the "
                 "attributes that the node can have besides \"name\", \"type\" and \"inputs\", with their defaults."},
       named(program.layers.entries())}};
}

Topic datasets_topic(const Program& program) {
  Definitions list;
  for (const DatasetEntry& e : program.datasets.entries()) {
    list.items.push_back(
        {e.name, "", cat(e.summary, e.needs.empty() ? "" : cat(". Needs: ", e.needs), ". From: ", e.source)});
  }
  return {
      "datasets",
      "Data sets",
      "the data sets, where they come from and where they are looked for",
      {Paragraph{"What `--dataset` can be. `--data PATH` says where the files lie. Nothing is downloaded."}, list,
       Paragraph{"`--validation` examples of the training set are kept for validation, by one split for all seeds; the "
                 "test set is used once, when a run is finished. Pixels are numbers from 0 to 1; `--normalize` puts a "
                 "normalisation, fitted on the training part, in front of the network."}}};
}

Topic optimizers_topic() {
  return {
      "optimizers",
      "Optimizers",
      "the optimizers, and which options each reads",
      {Paragraph{
           "What `--optimizer` and `--RULE.optimizer` can be; definitions and defaults are torch's. `--momentum` is "
           "read by momentum, nesterov and rmsprop, `--beta1` and `--beta2` by adam and adamw, `--epsilon` by adam, "
           "adamw and rmsprop, `--alpha` by rmsprop; an option that the optimizer does not read is an error."},
       named(optimizer_catalog())}};
}

Topic config_topic() {
  return {
      "config",
      "Configuration file",
      "INI files with options (--config)",
      {Paragraph{
           "`--config FILE` reads options from an INI file: lines NAME = VALUE with the names of the options, without "
           "dashes; a rule's own options in a section [RULE]; further networks, with the options of networks, in "
           "sections [network.NAME]. A switch is written NAME = true. Comments begin with #. What is given on the "
           "command line wins. Unknown names, and names that are set twice, are errors."},
       Verbatim{{"rules = backprop,dfa,dtp", "seeds = 5", "networks = plain,skips", "out = my-comparison", "", "[dtp]",
                 "sigma = 0.1", "", "[network.plain]", "hidden = 128x10", "", "[network.skips]", "hidden = 128x10",
                 "skip = 1:4,4:7"}},
       Paragraph{
           "A file may hold options of rules that are not trained this time; on the command line those are errors."}}};
}

Topic progress_topic() {
  return {
      "progress",
      "Progress",
      "what is shown while runs are trained, and how to stop them",
      {Paragraph{
           "Results go to stdout; progress and errors go to stderr. Where stderr is a terminal, a table shows each run "
           "that is being trained: rule, network if there are several, seed, the epoch under way, the training loss "
           "and the validation accuracy after the last whole epoch, and the time left; below it how much of all is "
           "done, the time it took and the time it will take. Finished runs leave a line above the table. Elsewhere, "
           "each epoch leaves a line. `--quiet` shows nothing."},
       Paragraph{
           "Ctrl-C (SIGINT) and SIGTERM: the runs stop at their next step, their last whole epoch is saved, and the "
           "same command goes on from there to the same bits as if it had never stopped. A second one leaves at once. "
           "A closed terminal (SIGHUP) ends nothing."},
       Paragraph{
           "OUT/runs/STEM.progress.jsonl has a line of JSON for each epoch of a run under way, for other programs to "
           "watch."}}};
}

Topic files_topic() {
  return {
      "files",
      "Files",
      "what runs leave behind, and how to read it",
      {Paragraph{"In the folder of `--out`, strata-out by default; STEM is RULE-NETWORK-sSEED-HASH, where the hash "
                 "covers all "
                 "that decides the run's numbers:"},
       Definitions{
           {{"runs/STEM.h5", "",
             "a finished run, HDF5 and netCDF-4: /training /layers /rule /hierarchy /attribution /gradient "
             "/similarity /weights /provenance, and /README, which says how to open it in Python, R, MATLAB and "
             "Julia"},
            {"summary.csv", "", "a row a finished run"},
            {"summary.h5", "", "the measures of all finished runs: rule × network × seed × epoch × layer"},
            {"trials.h5, tuned.json", "",
             "of `strata tune`, and in search/ of `compare --tune`: every trial, and the chosen settings"},
            {"report.html, report/", "", "what `strata report` draws: the page, and its pictures as SVG files"},
            {"runs/STEM.h5.partial", "", "a run under way, or interrupted; renamed when it is complete"},
            {"runs/STEM.checkpoint", "", "what a run goes on from; kept with finished runs, for more `--epochs`"},
            {"runs/STEM.progress.jsonl", "", "a line an epoch of a run under way"},
            {"runs/STEM.h5.damaged", "", "a damaged run file, kept when the run was trained anew"},
            {".strata", "", "says that the folder is strata's; locked while a program works in it"}}},
       Paragraph{"In Python, with xarray and h5netcdf: `xarray.open_dataset(\"summary.h5\", engine=\"h5netcdf\")`, and "
                 "`group=\"layers\"` for a group of a run. `strata validate FILE` checks a file."}}};
}

Topic exit_codes_topic() {
  return {
      "exit-codes",
      "Exit status",
      "what the program's exit code says",
      {Definitions{{{"0", "", "all is well; a comparison in which some rules cannot train some networks too"},
                    {"1", "", "the system failed: disk full, no memory, a file that cannot be written"},
                    {"2", "", "usage, or bad input; nothing was trained"},
                    {"3", "", "some runs failed or diverged, or files were left out; the others are finished"},
                    {"130, 143", "", "interrupted by SIGINT (Ctrl-C) or SIGTERM; what was trained is saved"}}},
       Paragraph{
           "An error is one line on stderr that begins with `strata:` and says what, which value, what was expected "
           "and what to do."}}};
}

Topic environment_topic() {
  return {
      "environment",
      "Environment",
      "variables of the environment that are read",
      {Definitions{
           {{"NO_COLOR", "", "if set to anything, no colours (no-color.org)"},
            {"TERM", "", "unset or dumb: a line an epoch instead of the table"},
            {"HDF5_USE_FILE_LOCKING", "",
             "FALSE where the file system has no locks, as some network file systems; read by the HDF5 library"}}},
       Paragraph{
           "No variable changes what is computed: threads are `--threads`, and results are the same for any number of "
           "them."}}};
}

}  // namespace

std::vector<Topic> topics(const Program& program) {
  std::vector<Topic> all = {rules_topic(program), network_topic(),    layers_topic(program), datasets_topic(program),
                            optimizers_topic(),   config_topic(),     progress_topic(),      files_topic(),
                            exit_codes_topic(),   environment_topic()};
  Topic list{"topics", "Topics", "this list, and what else can be asked for", {}};
  Definitions names;
  for (const Topic& t : all) names.items.push_back({t.name, "", t.summary});
  std::vector<std::string> named_commands;
  for (const Command& c : commands()) named_commands.push_back(c.name);
  list.blocks = {names, Paragraph{cat("Besides: each command (", join(named_commands),
                                      "), and each rule, layer, data set and optimizer by its name.")}};
  all.push_back(std::move(list));
  return all;
}

}  // namespace strata::cli
