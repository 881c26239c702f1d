// Products of small matrices that lie in the cache: C [rows, columns] = or += A [rows, depth] B [depth, columns].
// A is read number by number with any strides, so transposed too; B's and C's rows are read in vectors. With pairs of
// bfloat16 for units, a unit of depth is two numbers.
#pragma once
#include "vectors.h"

template <class Unit> struct Matrix {
  Unit* data;
  long row, step;  // From a row to the next, and from a number to the next.
  Matrix at(long i) const { return {data + i * row, row, step}; }
};

inline Floats multiply_add(float one, Floats many, Floats sum) { return one * many + sum; }
inline Floats read_units(const float* from) { return read<Floats>(from); }
#if defined(__AVX512BF16__)
inline Floats multiply_add(Pair one, Bits many, Floats sum) {
  return (Floats)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32(one.bits), (__m512bh)many);
}
inline Bits read_units(const Pair* from) { return read<Bits>(from); }
#endif

// One tile of C, held in registers: `Rows` rows of `Wide` vectors.
template <long Rows, long Wide, class Unit>
inline void multiply_tile(Matrix<Unit> a, Matrix<Unit> b, Matrix<float> c, long depth, bool add) {
  Floats sums[Rows][Wide];
#pragma GCC unroll 16
  for (long r = 0; r < Rows; r++)
#pragma GCC unroll 16
    for (long v = 0; v < Wide; v++) sums[r][v] = add ? load(c.data + r * c.row + v * lanes) : Floats{};
  for (long k = 0; k < depth; k++) {
    decltype(read_units(b.data)) many[Wide];
#pragma GCC unroll 16
    for (long v = 0; v < Wide; v++) many[v] = read_units(b.data + k * b.row + v * lanes);
#pragma GCC unroll 16
    for (long r = 0; r < Rows; r++) {
      const Unit one = a.data[r * a.row + k * a.step];
#pragma GCC unroll 16
      for (long v = 0; v < Wide; v++) sums[r][v] = multiply_add(one, many[v], sums[r][v]);
    }
  }
#pragma GCC unroll 16
  for (long r = 0; r < Rows; r++)
#pragma GCC unroll 16
    for (long v = 0; v < Wide; v++) store(c.data + r * c.row + v * lanes, sums[r][v]);
}

template <long Rows, long Wide, class Unit>
void multiply_strip(Matrix<Unit> a, Matrix<Unit> b, Matrix<float> c, long rows, long depth, bool add) {
  long row = 0;
  for (; row + Rows <= rows; row += Rows) multiply_tile<Rows, Wide>(a.at(row), b, c.at(row), depth, add);
  if constexpr (Rows > 1)
    if (row < rows) multiply_strip<Rows / 2, Wide>(a.at(row), b, c.at(row), rows - row, depth, add);
}

// `columns` is a multiple of `lanes`.
template <class Unit>
void multiply(Matrix<Unit> a, Matrix<Unit> b, Matrix<float> c, long rows, long columns, long depth, bool add) {
  for (long column = 0, wide; column < columns; column += wide * lanes) {
    const Matrix<Unit> right{b.data + column, b.row, 1};
    const Matrix<float> out{c.data + column, c.row, 1};
    const long left = (columns - column) / lanes;
    wide = left >= 4 && registers == 32 ? 4 : left >= 2 ? 2 : 1;
    if (wide == 4) multiply_strip<6, 4>(a, right, out, rows, depth, add);
    if (wide == 2) multiply_strip<registers == 32 ? 12 : 6, 2>(a, right, out, rows, depth, add);
    if (wide == 1) multiply_strip<12, 1>(a, right, out, rows, depth, add);
  }
}
