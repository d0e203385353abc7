// The live table of runs under way, as text: what is drawn, apart from when and where.
#pragma once

#include <limits>
#include <string>
#include <vector>

namespace strata::cli {

/// A run that is being trained. NaN where a number is not known yet.
struct ProgressRow {
  std::string rule, network;
  int seed = 0;
  int epoch = 0, epochs = 0;  ///< the epoch under way, of how many
  double loss = std::numeric_limits<double>::quiet_NaN();
  double accuracy = std::numeric_limits<double>::quiet_NaN();  ///< validation, as a fraction
  double left = std::numeric_limits<double>::quiet_NaN();      ///< seconds
};

struct ProgressState {
  std::vector<ProgressRow> rows;
  bool networks = false;  ///< several: a column tells which
  std::size_t ended = 0, runs = 0;
  double fraction = 0;  ///< of all work that is done, 0 to 1
  double elapsed = 0;   ///< seconds
  double left = std::numeric_limits<double>::quiet_NaN();
};

/// "7/15 runs, 46 %, 2:31 left"
std::string progress_words(const ProgressState& state);

/// The table, a line an element: header, rows, and a bar with the words above and the time taken. At most `height` − 1
/// lines of at most `width` − 1 columns, so that nothing wraps or scrolls; the last line leaves two more for the ^C that a
/// terminal echoes there. Narrow terminals lose the columns that matter least (loss first, then network, seed, time left,
/// accuracy), low ones rows ("… and 3 more"), and in the end all but the last line. Escapes are those of `colour` alone,
/// and closed in each line.
std::vector<std::string> progress_table(const ProgressState& state, std::size_t width, std::size_t height, bool colour);

}  // namespace strata::cli
