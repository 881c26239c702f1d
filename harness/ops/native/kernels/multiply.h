// Products of small matrices that fit into the cache: C [rows, columns] = or += A [rows, depth] B [depth, columns].
// A is read one unit at a time with any strides, so it may be transposed; rows of B and C are read as vectors. A unit
// of depth is a float or a pair of bfloat16, which processors with AVX512-BF16 multiply and add in one instruction.
#pragma once
#include "vectors.h"

inline Floats multiply_add(float one, Floats many, Floats sum) { return one * many + sum; }
#if defined(__AVX512BF16__)
#include <immintrin.h>
struct Pair { uint32_t bits; };
inline Floats multiply_add(Pair one, Bits many, Floats sum) {
  return (Floats)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32(one.bits), (__m512bh)many);
}
#else
using Pair = float;
#endif
template <class T> using UnitOf = std::conditional_t<std::is_same_v<T, float>, float, Pair>;

template <class Unit> struct Matrix {
  Unit* data;
  long row, step;  // Strides between rows, and between units of a row.
  Matrix at(long i) const { return {data + i * row, row, step}; }
};

// Computes one tile of C in registers: `Rows` rows of `Wide` vectors.
template <long Rows, long Wide, class Unit>
inline void multiply_tile(Matrix<Unit> a, Matrix<Unit> b, Matrix<float> c, long depth, bool add) {
  using Many = std::conditional_t<std::is_same_v<Unit, float>, Floats, Bits>;
  Floats sums[Rows * Wide] = {};
  for (long k = 0; k < depth; k++) {
    Many many[Wide];
#pragma GCC unroll 32
    for (long v = 0; v < Wide; v++) many[v] = read<Many>(b.at(k).data + v * lanes);
#pragma GCC unroll 32
    for (long i = 0; i < Rows * Wide; i++)
      sums[i] = multiply_add(a.at(i / Wide).data[k * a.step], many[i % Wide], sums[i]);
  }
#pragma GCC unroll 32
  for (long i = 0; i < Rows * Wide; i++) {
    float* to = c.at(i / Wide).data + i % Wide * lanes;
    store(to, add ? load(to) + sums[i] : sums[i]);
  }
}

template <long Rows, long Wide, class Unit>
void multiply_strip(Matrix<Unit> a, Matrix<Unit> b, Matrix<float> c, long rows, long depth, bool add) {
  long row = 0;
  for (; row + Rows <= rows; row += Rows) multiply_tile<Rows, Wide>(a.at(row), b, c.at(row), depth, add);
  if constexpr (Rows > 1)
    if (row < rows) multiply_strip<Rows / 2, Wide>(a.at(row), b, c.at(row), rows - row, depth, add);
}

// `columns` must be a multiple of `lanes`. A tile uses most of the registers: AVX-512 has 32, AVX2 has 16.
template <class Unit>
void multiply(Matrix<Unit> a, Matrix<Unit> b, Matrix<float> c, long rows, long columns, long depth, bool add) {
  for (long wide; columns > 0; columns -= wide * lanes, b.data += wide * lanes, c.data += wide * lanes) {
    wide = vector_bytes == 64 && columns >= 4 * lanes ? 4 : columns >= 2 * lanes ? 2 : 1;
    if (wide == 4) multiply_strip<6, 4>(a, b, c, rows, depth, add);
    if (wide == 2) multiply_strip<vector_bytes == 64 ? 12 : 6, 2>(a, b, c, rows, depth, add);
    if (wide == 1) multiply_strip<12, 1>(a, b, c, rows, depth, add);
  }
}

// Rows padded with zeros to full vectors, in the layouts that `multiply` needs.
template <class T> struct Packed {
  using Unit = UnitOf<T>;
  static constexpr long each = std::is_same_v<Unit, float> ? 1 : 2;
  using Number = std::conditional_t<each == 1, float, Bfloat>;
  long rows = 0, wide = 0;
  Buffer<Number> numbers;
  Buffer<Unit> pairs, columns;

  // Allocates `count` rows, plus rows of zeros up to a multiple of `step`.
  Number* resize(long count, long width, long step) {
    rows = rounded_up(count, step), wide = rounded_up(width, lanes);
    Number* start = numbers.resize(rows * wide);
    std::fill(start + count * wide, start + rows * wide, 0);
    return start;
  }
  void pack(Matrix<T> from, long count, long width, long step) {
    Number* to = resize(count, width, step);
    for (long i = 0; i < count; i++, from.data += from.row)
      for (long j = 0; j < width; j += lanes, to += lanes)
        store(to, load(from.data + j, width - j)), __builtin_prefetch(from.data + width + j);  // The next head's row.
  }
  // Interleaves each two rows, so that depth runs along the rows. `rows` must be even.
  void pair_rows() {
    if constexpr (each == 2) {
      const Number* from = numbers.data();
      const long count = rows, step = wide;
      Unit* to = pairs.resize(count / 2 * step);
      for (long i = 0; i < count; i += 2, from += 2 * step)
        for (long j = 0; j < step; j += lanes, to += lanes)
          write(to, std::bit_cast<Bits>(load(from + j)) >> 16 | std::bit_cast<Bits>(load(from + step + j)));
    }
  }
  // Transposes the rows. `rows` must be a multiple of `lanes`.
  void turn() {
    const long depth = wide / each, count = rows;
    const Unit* from = by_row().data;
    Unit* to = columns.resize(depth * count);
    for (long i = 0; i < count; i += lanes)
      for (long j = 0; j < depth; j++) {
        Unit column[lanes];
#pragma GCC unroll 16
        for (long k = 0; k < lanes; k++) column[k] = from[(i + k) * depth + j];
        write(to + j * count + i, read<Bits>(column));
      }
  }
  Matrix<Unit> by_row() { return {reinterpret_cast<Unit*>(numbers.data()), wide / each, 1}; }
  Matrix<Unit> turned() { return {columns.data(), rows, 1}; }
  Matrix<Unit> by_token() { return {each == 2 ? pairs.data() : by_row().data, wide, 1}; }
  Matrix<Unit> by_column() { return {by_token().data, 1, wide}; }
};
