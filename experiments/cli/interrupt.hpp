// Ctrl-C and SIGTERM: a word at once, then the runs stop at their next step; a second one leaves at once.
#pragma once

#include <string>

namespace strata::cli {

/// Takes over SIGINT and SIGTERM (and ignores SIGPIPE and SIGHUP: a closed terminal does not end the work).
void watch_signals();

/// The signal that asked for the end, or 0.
int interrupted();

/// While something is drawn on the terminal, whoever draws says the word, where it does not fall into the drawing.
void display_says_the_word(bool yes);
/// The word, once after the signal has come; otherwise "".
std::string word_to_say();

/// How often the program was stopped (Ctrl-Z) and went on: what it had drawn is no longer where it was.
int continued();

}  // namespace strata::cli
