// Random changes of an input.
#pragma once

#include "core/random.h"
#include "tests/fuzz/fuzz.h"

namespace counterpoise::fuzz {

// One to sixteen changes of `input`: bits and bytes, numbers of 16 and 32 bits in both orders, parts that are removed,
// repeated, moved, or taken from `other`, and the target's words. At most target.longest bytes.
Bytes mutate(const Target& target, Bytes input, const Bytes& other, Random& random);

}  // namespace counterpoise::fuzz
