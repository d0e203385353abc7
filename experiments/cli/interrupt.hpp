// Ctrl-C and SIGTERM: a word at once, then the runs stop at their next step; a second one leaves at once.
#pragma once

namespace strata::cli {

/// Takes over SIGINT and SIGTERM (and ignores SIGPIPE and SIGHUP: a closed terminal does not end the work).
void watch_signals();

/// The signal that asked for the end, or 0.
int interrupted();

}  // namespace strata::cli
