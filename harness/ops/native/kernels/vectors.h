// Vectors of the width of the processor that this is compiled for, as vector types of the compiler.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

constexpr long vector_bytes = __BIGGEST_ALIGNMENT__;  // 64 with AVX-512, 32 with AVX2, 16 with NEON or SSE.
constexpr long lanes = vector_bytes / 4;
using Bfloat = uint16_t;  // A bfloat16 in memory: the upper half of a float32.

// Memory aligned to cache lines, so no vector crosses a line.
struct alignas(64) Line { char bytes[64]; };
template <class T> struct Buffer {
  std::vector<Line> lines;
  T* data() { return reinterpret_cast<T*>(lines.data()); }
  T* resize(long count) { return lines.resize((count * sizeof(T) + 63) / 64), data(); }
};

typedef float Floats __attribute__((vector_size(vector_bytes)));
typedef uint32_t Bits __attribute__((vector_size(vector_bytes)));
typedef Bfloat Bfloats __attribute__((vector_size(vector_bytes / 2)));
inline long rounded_up(long count, long step) { return (count + step - 1) / step * step; }

template <class Vector> inline Vector read(const void* from) {
  Vector vector;
  std::memcpy(&vector, from, sizeof(Vector));
  return vector;
}
template <class Vector> inline void write(void* to, Vector vector) { std::memcpy(to, &vector, sizeof(Vector)); }

// Rounds to bfloat16 in the upper halves: to nearest, ties to even, as torch does. NaN stays NaN.
inline Bits rounded(Floats wide) {
  const Bits bits = std::bit_cast<Bits>(wide);
  return wide == wide ? bits + 0x7fff + ((bits >> 16) & 1) : bits | 0x400000;
}

inline Floats load(const float* from) { return read<Floats>(from); }
inline Floats load(const Bfloat* from) {
  return std::bit_cast<Floats>(__builtin_convertvector(read<Bfloats>(from), Bits) << 16);
}
inline void store(float* to, Floats wide) { write(to, wide); }
inline void store(Bfloat* to, Floats wide) { write(to, __builtin_convertvector(rounded(wide) >> 16, Bfloats)); }

// Loads the first `count` elements of a vector, and zeros for the others.
template <class T> inline Floats load(const T* from, long count) {
  if (count >= lanes) return load(from);
  T some[lanes] = {};
  std::memcpy(some, from, count * sizeof(T));
  return load(some);
}
template <class T> inline void store(T* to, Floats wide, long count) {
  if (count >= lanes) return store(to, wide);
  T some[lanes];
  store(some, wide);
  std::memcpy(to, some, count * sizeof(T));
}

inline Floats maximum(Floats one, Floats other) { return one > other ? one : other; }
inline float sum(Floats wide) {
  float total = 0;
  for (long i = 0; i < lanes; i++) total += wide[i];
  return total;
}

// 2^x for x <= 0, with an error of at most 2e-7: the integer part goes into the exponent, and a polynomial (the Taylor
// series of exp(x log 2), with enough terms for [-0.5, 0.5]) gives the rest.
inline Floats power_of_two(Floats exponent) {
  constexpr float to_whole = 12582912.0f;  // 1.5 x 2^23: adding and subtracting it rounds to an integer.
  exponent = maximum(Floats{} - 126.0f, exponent);  // In this order of arguments, NaN stays NaN.
  const Floats shifted = exponent + to_whole, rest = exponent - (shifted - to_whole);
  Floats series = {};
  for (float term : {1.5252734e-5f, 1.5403530e-4f, 1.3333558e-3f, 9.6181291e-3f, 5.5504109e-2f, 2.4022651e-1f,
                     6.9314718e-1f, 1.0f})
    series = series * rest + term;
  return std::bit_cast<Floats>(std::bit_cast<Bits>(series) + (std::bit_cast<Bits>(shifted) << 23));
}
