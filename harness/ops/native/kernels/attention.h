// Attention of one head within one sequence, a block of queries at a time, so that memory grows with the tokens alone.
// Source: Dao et al. 2022, "FlashAttention", whose backward pass this is: weights are computed again. Scores are
// [keys, queries], so that what belongs to a query (its maximum, sum and random numbers) lies in a lane.
#pragma once
#include "multiply.h"
#include "random.h"

constexpr long query_block = 64;

// One sequence and head: its rows of tensors [tokens, heads, width]. `first_row`, `row_step`: the numbers of its
// queries' random streams. `normaliser`: the logarithm (base 2) of each query's sum of exponentials.
template <class T> struct Attention {
  const long queries, keys, width, first_row, row_step;
  const float scaling;
  const Dropout dropout;
  const Matrix<T> query, key, value, output;
  const Matrix<float> normaliser;
  const float to_exponent = scaling * 1.44269504f;  // e^x = 2^(x log2 e)
  const long wide = rounded_up(width, lanes), key_depth = rounded_up(keys, 2) / Packed<T>::each;

  // Of [keys, width]: `key`, `value`; of [queries, width]: `query`, `slope`; of [keys, queries]: `weights`, `slopes`.
  struct Workspace {
    Packed<T> query, key, value, slope, weights, slopes;
    Buffer<float> scores, changes, sums, for_keys, for_values;
    alignas(64) uint32_t low[query_block], high[query_block];
  };
  static inline thread_local Workspace workspace;

  // Begins a block of queries, with their random streams; gives how many there are.
  long begin(Workspace& work, long first) const {
    const long count = std::min(query_block, queries - first);
    for (long i = 0; i < count && dropout.threshold; i++) {
      const uint64_t key = row_key(dropout.seed, first_row + (first + i) * row_step);
      work.low[i] = key, work.high[i] = key >> 32;
    }
    work.query.pack(query.at(first), count, width, lanes);
    work.query.turn();
    return count;
  }
  // What is kept of weights of a key.
  Floats kept(Floats weights, const Workspace& work, long i, long key) const {
    return dropout.kept(weights, read<Bits>(work.low + i) + uint32_t(key) * column_step, read<Bits>(work.high + i));
  }
  static Matrix<float> matrix(Buffer<float>& numbers, long rows, long columns) {
    return {numbers.resize(rows * columns), columns, 1};
  }
  // Products of rows [keys, queries].
  float* products(Packed<T>& of_keys, Packed<T>& of_queries, Buffer<float>& numbers) const {
    const Matrix<float> found = matrix(numbers, keys, of_queries.rows);
    multiply(of_keys.by_row(), of_queries.turned(), found, keys, of_queries.rows, wide / Packed<T>::each, false);
    return found.data;
  }

  void forward() const {
    Workspace& work = workspace;
    work.key.pack(key, keys, width, 2);
    work.value.pack(value, keys, width, 2);
    work.value.pair_rows();
    for (long first = 0; first < queries; first += query_block) {
      const long count = begin(work, first), columns = work.query.rows;
      const float* scores = products(work.key, work.query, work.scores);
      auto* weights = work.weights.resize(keys, columns, 2);
      alignas(64) float largest[query_block], total[query_block];
      for (long i = 0; i < columns; i += lanes) {
        Floats most = Floats{} - 1e30f, sum = {};
        for (long j = 0; j < keys; j++) most = maximum(most, load(scores + j * columns + i) * to_exponent);
        for (long j = 0; j < keys; j++) {
          const Floats weight = power_of_two(load(scores + j * columns + i) * to_exponent - most);
          sum += weight;
          store(weights + j * columns + i, kept(weight, work, i, j));
        }
        store(largest + i, most), store(total + i, sum);
      }
      work.weights.pair_rows();
      const Matrix<float> sums = matrix(work.sums, count, wide);
      multiply(work.weights.by_column(), work.value.by_token(), sums, count, wide, key_depth, false);
      for (long i = 0; i < count; i++) {
        *normaliser.at(first + i).data = largest[i] + std::log2(total[i]);
        write_rows(sums.at(i), output.at(first + i), 1, total[i] > 0 ? dropout.scale / total[i] : 0);
      }
    }
  }

  // Gradients of queries, keys and values, from that of the output (`slope`).
  void backward(Matrix<T> slope, Matrix<T> for_query, Matrix<T> for_key, Matrix<T> for_value) const {
    Workspace& work = workspace;
    work.key.pack(key, keys, width, 2);
    work.key.pair_rows();
    work.value.pack(value, keys, width, 2);
    const Matrix<float> key_sums = matrix(work.for_keys, keys, wide), value_sums = matrix(work.for_values, keys, wide);
    long first = 0;
    do {  // Once at the least: keys without queries get gradients of nought.
      const long count = begin(work, first), columns = work.query.rows, depth = columns / Packed<T>::each;
      work.slope.pack(slope.at(first), count, width, lanes);
      work.slope.turn();
      const float *scores = products(work.key, work.query, work.scores),
                  *changes = products(work.value, work.slope, work.changes);
      alignas(64) float means[query_block] = {}, exponents[query_block] = {};
      for (long i = 0; i < count; i++) {
        Floats mean = {};
        for (long w = 0; w < width; w += lanes)
          mean += load(output.at(first + i).data + w, width - w) * load(slope.at(first + i).data + w, width - w);
        means[i] = sum(mean), exponents[i] = *normaliser.at(first + i).data;
      }
      auto *weights = work.weights.resize(keys, columns, 2), *slopes = work.slopes.resize(keys, columns, 2);
      for (long i = 0; i < columns; i += lanes) {
        const Floats mean = load(means + i), exponent = load(exponents + i);
        for (long j = 0, at = i; j < keys; j++, at += columns) {
          const Floats weight = power_of_two(load(scores + at) * to_exponent - exponent);
          const Floats dropped = kept(weight * dropout.scale, work, i, j);
          store(weights + at, dropped);
          store(slopes + at, dropped * load(changes + at) - weight * mean);
        }
      }
      for (Packed<T>* packed : {&work.query, &work.slope, &work.slopes}) packed->pair_rows();
      const Matrix<float> sums = matrix(work.sums, count, wide);
      multiply(work.weights.by_row(), work.slope.by_token(), value_sums, keys, wide, depth, first > 0);
      multiply(work.slopes.by_row(), work.query.by_token(), key_sums, keys, wide, depth, first > 0);
      multiply(work.slopes.by_column(), work.key.by_token(), sums, count, wide, key_depth, false);
      write_rows(sums, for_query.at(first), count, scaling);
    } while ((first += query_block) < queries);
    write_rows(key_sums, for_key, keys, scaling);
    write_rows(value_sums, for_value, keys, 1);
  }

  void write_rows(Matrix<float> from, Matrix<T> to, long count, float factor) const {
    for (long i = 0; i < count; i++)
      for (long w = 0; w < width; w += lanes) store(to.at(i).data + w, load(from.at(i).data + w) * factor, width - w);
  }
};
