// Bad input: exit 2, one line that says what is wrong with which value, and nothing written or overwritten. Each case
// runs twice: into a folder that does not exist, and into one that holds a finished run.
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "tests/cli/program.hpp"

using namespace strata::testing;

namespace {

struct Case {
  std::string line;
  Words says;
};

/// Options that the line leaves open are the clusters data and the folder "out".
Words complete(const std::string& line) {
  Words all = words(line);
  const auto open = [&](const std::string& option) { return !contains(line + " ", option + " "); };
  if (open("--dataset")) all.insert(all.end(), {"--dataset", "clusters"});
  if (open("--out")) all.insert(all.end(), {"--out", "out"});
  return all;
}

void check_refused(const Scratch& in, const std::vector<Case>& cases) {
  for (const bool finished : {false, true}) {
    if (finished) {
      BOOST_REQUIRE(call(in, "run --dataset clusters --hidden 4 --epochs 1 --out out").code == 0);
    }
    const auto before = tree(in.path());
    BOOST_REQUIRE(before.contains("out/") == finished);
    for (const Case& c : cases) {
      BOOST_TEST_CONTEXT(c.line) {
        BOOST_TEST(not_refused(call(in.path(), complete(c.line)), c.says) == "");
        BOOST_TEST((tree(in.path()) == before));
      }
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(names_and_words) {
  check_refused(Scratch(),
                {
                    {"run --rule bakprop", {"unknown rule 'bakprop'", "did you mean 'backprop'", "frozen, fa, usf"}},
                    {"compare --rules backprop,dp", {"unknown rule 'dp'"}},
                    {"compare --rules all,fa", {"unknown rule 'all'"}},
                    {"compare --rules fa,fa", {"--rules", "'fa'", "twice"}},
                    {"compare --rules fa,,dfa", {"--rules", "'fa,,dfa'", "empty"}},
                    {"run --ep 3", {"'--ep'", "did you mean '--epochs'"}},
                    {"run --epoch 3", {"'--epoch'", "did you mean '--epochs'"}},
                    {"run --Epochs 3", {"'--Epochs'", "did you mean '--epochs'"}},
                    {"run --rules fa", {"'--rules'", "did you mean '--rule'"}},
                    {"run --seeds 2", {"'--seeds'", "did you mean '--seed'"}},
                    {"compare --seed 2", {"'--seed'", "did you mean '--seeds'"}},
                    {"run -e 3", {"'-e'", "--name value"}},
                    {"run fast", {"stray word 'fast'"}},
                    {"run --quiet now", {"stray word 'now'"}},
                    {"run --rule dtp --dtp.sigm .1", {"'--dtp.sigm'", "did you mean '--dtp.sigma'"}},
                    {"run --dpt.sigma .1", {"'--dpt.sigma'", "did you mean '--dtp.sigma'"}},
                    {"run --rule fa --dtp.sigma .1", {"--dtp.sigma", "not trained here", "fa"}},
                    {"compare --rules fa,dfa --backprop.lr .1", {"--backprop.lr", "not trained here", "fa, dfa"}},
                    {"run --lr .1 --lr .1", {"--lr", "twice"}},
                    {"run --out a --out b", {"--out", "twice"}},
                    {"run --quiet --quiet", {"--quiet", "twice"}},
                    {"rum", {"unknown command 'rum'", "did you mean 'run'", "compare"}},
                    {"run --dataset cluster", {"'cluster'", "did you mean 'clusters'"}},
                    {"run --network deep", {"'deep'", "[network.deep]"}},
                    {"compare --network mlp --networks mlp", {"--network and --networks"}},
                    {"compare --networks mlp,mlp", {"'mlp'", "twice"}},
                    {"run --activation rel", {"--activation", "'rel'", "did you mean 'relu'"}},
                    {"run --init xavier_norm", {"'xavier_norm'", "did you mean 'xavier_normal'"}},
                    {"run --loss crossentropy", {"'crossentropy'", "did you mean 'cross_entropy'"}},
                    {"run --optimizer adm", {"'adm'", "did you mean 'adam'"}},
                    {"run --schedule cosin", {"'cosin'", "did you mean 'cosine'"}},
                    {"run --normalize globl", {"--normalize", "'globl'", "did you mean 'global'"}},
                    {"run --skip-mode ad", {"--skip-mode", "'ad'", "did you mean 'add'"}},
                    {"run --save-weights all", {"--save-weights", "'all'", "none, best, last"}},
                });
}

BOOST_AUTO_TEST_CASE(values) {
  check_refused(Scratch(), {
                               {"compare --seeds -1", {"--seeds -1", "from 1"}},
                               {"compare --seeds=-1", {"--seeds -1", "from 1"}},
                               {"compare --seeds 0", {"--seeds 0", "from 1"}},
                               {"compare --seeds 1.5", {"--seeds", "'1.5'", "whole number"}},
                               {"compare --seeds 0x3", {"--seeds", "'0x3'", "whole number"}},
                               {"run --seed -1", {"--seed -1", "from 0 to 2147483647"}},
                               {"run --seed 2147483648", {"--seed 2147483648", "from 0 to 2147483647"}},
                               {"run --seed 99999999999999999999", {"--seed", "99999999999999999999"}},
                               {"run --epochs 0", {"--epochs 0", "from 1"}},
                               {"run --epochs ten", {"--epochs", "'ten'", "whole number"}},
                               {"run --epochs 3x", {"--epochs", "'3x'", "whole number"}},
                               {"run --epochs=", {"--epochs"}},
                               {"run --lr nan", {"--lr", "'nan'", "finite"}},
                               {"run --lr inf", {"--lr", "'inf'", "finite"}},
                               {"run --lr -0.1", {"lr", "-0.1", "from 0"}},
                               {"run --lr 0.1.2", {"--lr", "'0.1.2'"}},
                               {"run --rule dtp --dtp.sigma nan", {"sigma", "nan"}},
                               {"run --batch 0", {"--batch 0", "from 1"}},
                               {"run --batch 5000", {"--batch 5000", "1 to 1000"}},
                               {"run --batch 1001", {"--batch 1001", "1 to 1000"}},
                               {"run --validation 1200", {"--validation 1200", "1200 training examples"}},
                               {"run --threads -1", {"--threads -1", "from 0"}},
                               {"run --dropout 1", {"--dropout 1"}},
                               {"run --momentum .9 --optimizer sgd", {"momentum", "0.9", "sgd"}},
                               {"run --clip-norm -1", {"--clip-norm -1", "from 0"}},
                               {"run --hidden 1o", {"--hidden", "'1o'"}},
                               {"run --hidden 8x2x2", {"--hidden", "'8x2x2'"}},
                               {"run --hidden 0x2", {"--hidden", "width 0", "1 to"}},
                               {"run --hidden 1x10000,1x10000", {"--hidden", "10000 layers"}},
                               {"run --bias perhaps", {"--bias", "'perhaps'", "true or false"}},
                               {"run --quiet=yes", {"--quiet"}},
                               {"run --data here", {"--data here", "clusters"}},
                               {"run --dataset idx", {"--data"}},
                               // An option's name is no value of the option before it, which would be left without one.
                               {"run --epochs --hidden 4", {"--epochs", "'--hidden'"}},
                               {"run --out --quiet", {"--out", "'--quiet'"}},
                           });
  const Scratch in;
  BOOST_TEST(not_refused(call(in.path(), {"run", "--dataset", "clusters", "--out", ""}), {"--out", "folder"}) == "");
  BOOST_TEST(not_refused(call(in.path(), {"run", "--out"}), {"--out"}) == "");
  BOOST_TEST(not_refused(call(in.path(), {"run", "--rule\nfa"}), {"--rule fa"}) == "");  // still one line
  BOOST_TEST(tree(in.path()).empty());
}

BOOST_AUTO_TEST_CASE(skips) {
  check_refused(Scratch(), {
                               {"run --skip 4:2", {"--skip 4:2", "forward"}},
                               {"run --skip 2:2", {"--skip 2:2", "forward"}},
                               {"run --hidden 8x3 --skip 1:9", {"--skip 1:9", "2…4"}},
                               {"run --hidden 8x3 --skip 0:2", {"--skip 0:2"}},
                               {"run --hidden 16,8,4 --skip 1:3", {"--skip 1:3", "[16]", "[4]", "project or concat"}},
                               {"run --hidden 16,8 --skip 1:3", {"--skip 1:3", "[16]", "output layer [4]"}},
                               {"run --skip 1:3,1:3", {"--skip 1:3", "twice"}},
                               {"run --skip 1-3", {"--skip", "'1-3'", "FROM:TO"}},
                               {"run --skip 1:x", {"--skip", "'x'"}},
                               {"run --skip -1:3", {"--skip", "-1"}},
                           });
}

BOOST_AUTO_TEST_CASE(rules_that_cannot_train_the_network) {
  const Scratch in;
  const std::string net = " --hidden 8x3 --skip 1:3 --epochs 1";
  check_refused(in, {
                        {"run --rule dtp" + net, {"rule dtp", "mlp", "chain", "skip"}},
                        {"compare --rules dtp" + net, {"rule dtp", "mlp", "skip", "no other rule"}},
                        {"run --rule dtp --dry-run" + net, {"rule dtp", "skip"}},
                    });
  const Outcome some = call(in, "compare --dataset clusters --seeds 2 --out some --rules fa,dtp" + net);
  BOOST_TEST(some.code == 0);
  BOOST_TEST(contains(some.out, "dtp   unsupported: "));
  BOOST_TEST(run_files(in / "some").size() == 2);
  const Outcome json = call(in, "compare --dataset clusters --seeds 2 --out some --rules fa,dtp --json" + net);
  BOOST_TEST(json.code == 0);
  BOOST_TEST(contains(json.out, "\"status\": \"unsupported\""));
}

BOOST_AUTO_TEST_CASE(config_files) {
  const Scratch in;
  write(in / "option.ini", "epoch = 3\n");
  write(in / "rule.ini", "[dtp]\nsigm = .3\n");
  write(in / "section.ini", "[dpt]\nsigma = .3\n");
  write(in / "network.ini", "[network.deep]\nhiden = 8x3\n");
  write(in / "twice.ini", "lr = .1\nlr = .2\n");
  write(in / "value.ini", "epochs = 0\n");
  write(in / "lr.ini", "lr = nan\n");
  write(in / "noise.ini", "what is this\n");
  write(in / "placeholder.ini", "%invalid_line%\n");  // in the message of Boost's own error
  fs::create_directory(in / "folder.ini");
  check_refused(in,
                {
                    {"run --config none.ini", {"--config none.ini", "no such file"}},
                    {"run --config folder.ini", {"--config folder.ini"}},
                    {"run --config option.ini", {"option.ini", "epoch'", "did you mean '--epochs'"}},
                    {"run --config rule.ini", {"rule.ini", "dtp.sigm'", "dtp.sigma'"}},
                    {"run --config section.ini", {"section.ini", "dpt.sigma'", "dtp.sigma'"}},
                    {"run --config network.ini --network deep", {"[network.deep]", "'hiden'", "did you mean 'hidden'"}},
                    {"run --config twice.ini", {"twice.ini", "lr", "twice"}},
                    {"run --config value.ini", {"epochs 0", "from 1"}},
                    {"run --config lr.ini", {"lr", "nan"}},
                    {"run --config noise.ini", {"noise.ini", "the line 'what is this'"}},
                    {"run --config placeholder.ini", {"placeholder.ini", "the line '%invalid_line%'"}},
                });
}

BOOST_AUTO_TEST_CASE(output_folders) {
  const Scratch in;
  write(in / "file", "mine");
  fs::create_directory(in / "full");
  write(in / "full/thesis.tex", "mine");
  check_refused(in, {
                        {"run --out file", {"--out file", "is a file"}},
                        {"run --out file/below", {"--out file/below", "cannot be written"}},
                        {"run --out full", {"--out full", "holds something else"}},
                        {"compare --out full", {"--out full", "holds something else"}},
                    });
  for (const std::string folder : {"full", "file", "nowhere"}) {
    BOOST_TEST(not_refused(call(in, "collect " + folder), {folder, ".strata"}) == "");
  }
  BOOST_TEST(not_refused(call(in, "collect out file"), {"stray word 'file'"}) == "");
}

BOOST_AUTO_TEST_CASE(output_folders_without_permission) {
  const Scratch in;
  Start start;
  start.nobody = ::geteuid() == 0;
  const Outcome works = call(in, "--version", start);
  if (works.code == 127) {
    BOOST_TEST_MESSAGE("skipped: nobody cannot start the program where it lies");
    return;
  }
  BOOST_REQUIRE(works.code == 0);
  fs::create_directories(in / "closed");
  fs::create_directories(in / "shown");
  fs::permissions(in / "closed", fs::perms(0));
  fs::permissions(in / "shown", fs::perms(0555));
  const std::string run = "run --dataset clusters --hidden 4 --epochs 1 --out ";
  for (const std::string folder : {"shown", "shown/new", "closed", "closed/new"}) {
    BOOST_TEST_CONTEXT(folder) {
      BOOST_TEST(not_refused(call(in, run + folder, start), {"--out " + folder + ":", "cannot be"}) == "");
    }
  }
  BOOST_TEST(not_refused(call(in, "collect closed/new", start), {"closed/new"}) == "");
  BOOST_TEST(not_refused(call(in, "run --dataset clusters --config closed/c.ini", start), {"closed/c.ini"}) == "");
  BOOST_TEST(not_refused(call(in, "run --dataset idx --data closed/d", start), {"closed/d"}) == "");
  fs::permissions(in / "closed", fs::perms(0755));
  BOOST_TEST(tree(in.path()).size() == 2);
}
