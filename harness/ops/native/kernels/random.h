// Which elements are dropped depends only on the seed of the call, the row and the column. So the mask does not depend
// on the number of threads, and the backward pass can generate it again. `_plain.py` does the same.
#pragma once
#include "vectors.h"

// splitmix64: Steele et al. 2014, "Fast splittable pseudorandom number generators".
inline uint64_t row_key(uint64_t seed, uint64_t row) {
  uint64_t key = seed + (row + 1) * 0x9E3779B97F4A7C15u;
  key = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9u;
  key = (key ^ (key >> 27)) * 0x94D049BB133111EBu;
  return key ^ (key >> 31);
}

constexpr uint32_t column_step = 0x9E3779B9u;
// 32 random bits per element. `value`: column times `column_step` plus the low half of the row key; `high`: its high
// half.
inline Bits random_bits(Bits value, Bits high) {
  value = (value ^ (value >> 16)) * 0x7FEB352Du;
  value ^= high;
  value = (value ^ (value >> 15)) * 0x846CA68Bu;
  return value ^ (value >> 16);
}

struct Dropout {
  uint64_t seed;
  uint32_t threshold;
  float scale;
  Dropout(double share, int64_t seed)
      : seed(seed), threshold(std::nearbyint(share * 4294967296.0)), scale(1 / (1 - share)) {}

  // Sets dropped elements to 0, without scaling the others; `value` and `high` as above.
  Floats kept(Floats numbers, Bits value, Bits high) const {
    if (!threshold) return numbers;
    return random_bits(value, high) >= threshold ? numbers : Floats{};
  }
  // The same for a vector of a row, starting at `column`.
  Floats kept(Floats numbers, uint64_t key, long column) const {
    Bits value;
    for (long i = 0; i < lanes; i++) value[i] = i * column_step;
    return kept(numbers, value + uint32_t(column) * column_step + uint32_t(key), Bits{} + uint32_t(key >> 32));
  }
};
