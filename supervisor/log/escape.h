// Text that may hold anything, made safe to show: what comes out is valid UTF-8, on one line, and
// moves no cursor.
//
// Escaped are control characters (C0, DEL, C1), the separators U+2028 and U+2029, which many
// readers take for an end of line, the marks that change the direction of what follows, and bytes
// that are not UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lambdapool::supervisor {

// One character at the start of a text.
struct Character {
  char32_t code;       // Meaningless when it is not valid.
  std::size_t length;  // In bytes, at least 1; of an invalid one the byte to skip.
  bool valid;
};

// `text` must not be empty. Overlong forms, surrogates and codes above U+10FFFF are not valid.
Character first_character(std::string_view text);

// Whether the text would come out as it went in.
bool is_printable(std::string_view text);

// For people: \n, \t and the like, \x1b, \u2028; a byte that is not UTF-8 is \xNN. `also` are ASCII
// characters that get a backslash before them.
void append_escaped(std::string& out, std::string_view text, std::string_view also = {});

// As the inside of a JSON string; a byte that is not UTF-8 becomes U+FFFD.
void append_json_escaped(std::string& out, std::string_view text);

// For error messages: in single quotes, escaped, and cut when it is long.
std::string in_quotes(std::string_view text);

// The longest start of `text` of at most `most` bytes that does not cut a character in two.
std::string_view clipped(std::string_view text, std::size_t most);

}  // namespace lambdapool::supervisor
