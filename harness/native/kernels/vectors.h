// Vectors of the machine's width, by the compiler's own vector types: AVX-512, AVX2 or NEON without a line for each.
// The library is compiled for the processor that it runs on.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>
#include <vector>
#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
constexpr long vector_bytes = 64, registers = 32;
#elif defined(__AVX2__)
constexpr long vector_bytes = 32, registers = 16;
#elif defined(__aarch64__)
constexpr long vector_bytes = 16, registers = 32;
#else
constexpr long vector_bytes = 16, registers = 16;
#endif
constexpr long lanes = vector_bytes / 4;

using Bfloat = uint16_t;  // A bfloat16 as it is stored: the upper half of a 32-bit float.
struct Pair { uint32_t bits; };  // Two bfloat16 that are multiplied and added in one instruction.

// A unit of a product's depth is a float, or a pair.
template <class Unit> constexpr long numbers_in = std::is_same_v<Unit, Pair> ? 2 : 1;
template <class Unit> using Number = std::conditional_t<numbers_in<Unit> == 2, Bfloat, float>;

// Memory that starts with a cache line, so that no vector lies across two.
template <class T> struct Aligned {
  using value_type = T;
  template <class Other> struct rebind { using other = Aligned<Other>; };
  T* allocate(size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t(64))); }
  void deallocate(T* memory, size_t) { ::operator delete(memory, std::align_val_t(64)); }
  bool operator==(const Aligned&) const { return true; }
  bool operator!=(const Aligned&) const { return false; }
};
template <class T> using Buffer = std::vector<T, Aligned<T>>;

typedef float Floats __attribute__((vector_size(vector_bytes)));
typedef uint32_t Bits __attribute__((vector_size(vector_bytes)));
typedef int32_t Ints __attribute__((vector_size(vector_bytes)));
typedef Bfloat Bfloats __attribute__((vector_size(vector_bytes / 2)));

inline long rounded_up(long count, long step) { return (count + step - 1) / step * step; }

template <class To, class From> inline To as(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof(To));
  return to;
}

template <class Vector> inline Vector read(const void* from) {
  Vector vector;
  std::memcpy(&vector, from, sizeof(Vector));
  return vector;
}
template <class Vector> inline void write(void* to, Vector vector) { std::memcpy(to, &vector, sizeof(Vector)); }

// The upper halves, rounded to the nearest and to even, as torch does; what is not a number stays so.
inline Bits rounded(Floats wide) {
  const Bits bits = as<Bits>(wide);
  return wide == wide ? bits + 0x7fff + ((bits >> 16) & 1) : bits | 0x400000;
}

inline Floats widened(Bfloats narrow) { return as<Floats>(__builtin_convertvector(narrow, Bits) << 16); }
inline Bfloats narrowed(Floats wide) { return __builtin_convertvector(rounded(wide) >> 16, Bfloats); }

inline Floats load(const float* from) { return read<Floats>(from); }
inline Floats load(const Bfloat* from) { return widened(read<Bfloats>(from)); }
inline void store(float* to, Floats wide) { write(to, wide); }
inline void store(Bfloat* to, Floats wide) { write(to, narrowed(wide)); }

// The first `count` numbers of a vector, and zeros.
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

// 2 to the power of numbers up to 0, within 2e-7: the whole part goes to the exponent, and a polynomial (the Taylor
// series of exp(x log 2), enough terms for [-0.5, 0.5]) gives the rest.
inline Floats power_of_two(Floats exponent) {
  constexpr float to_whole = 12582912.0f;  // 1.5 x 2^23: added and taken off again, it leaves the nearest whole number.
  exponent = maximum(Floats{} - 126.0f, exponent);  // In this order, what is not a number stays so.
  const Floats shifted = exponent + to_whole, rest = exponent - (shifted - to_whole);
  Floats series = rest * 1.5252734e-5f + 1.5403530e-4f;
  series = series * rest + 1.3333558e-3f;
  series = series * rest + 9.6181291e-3f;
  series = series * rest + 5.5504109e-2f;
  series = series * rest + 2.4022651e-1f;
  series = series * rest + 6.9314718e-1f;
  series = series * rest + 1.0f;
  return as<Floats>(as<Bits>(series) + (as<Bits>(shifted) << 23));
}
