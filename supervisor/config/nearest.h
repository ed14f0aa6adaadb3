// The word that someone may have meant: what "did you mean" is made of.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace lambdapool::supervisor {

// How many letters must be added, removed, replaced or swapped with their neighbour to make one of
// the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to `word`, the first of equals; none when no candidate is similar enough to
// be what was meant.
std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> candidates);

}  // namespace lambdapool::supervisor
