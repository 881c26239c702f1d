// Attention of one head within one sequence, computed in blocks of queries, so memory is linear in the number of
// tokens. Source: Dao et al. 2022, "FlashAttention". As in its backward pass, the weights are recomputed. Scores are
// stored as [keys, queries], so the values of a query (its maximum, sum and random bits) are in one vector lane.
#pragma once
#include "multiply.h"
#include "random.h"

constexpr long query_block = 64;

// One sequence and head: its rows of tensors [tokens, heads, width]. `first_row`, `row_step`: indices of the random
// streams of its queries. `behind`, `ahead`: maximum distance of a key before and after a query; below 0 for no limit.
// `normaliser`: log2 of each query's sum of exponentials.
template <class T> struct Attention {
  const long queries, keys, width, first_row, row_step, behind, ahead;
  const float scaling;
  const Dropout dropout;
  const Matrix<T> query, key, value, output;
  const Matrix<float> normaliser;
  const float to_exponent = scaling * 1.44269504f;  // e^x = 2^(x log2 e)
  const long wide = rounded_up(width, lanes);

  // The range of keys that a block of queries attends to. It starts at an even key, since rows are stored in pairs.
  struct Keys {
    long first, count;
    long depth() const { return rounded_up(count, 2) / Packed<T>::each; }
    long unit() const { return first / Packed<T>::each; }
  };
  bool limited() const { return behind >= 0 || ahead >= 0; }
  Keys reached(long query, long count) const {
    const long first = behind < 0 ? 0 : std::clamp(query - behind, 0L, keys) & ~1L;
    const long end = ahead < 0 ? keys : std::min(keys, query + count + ahead);
    return {first, std::max(end - first, 0L)};
  }
  // Returns the values of one key for a vector of queries starting at `query`, and `otherwise` where the key is out of
  // range.
  Floats within(Floats numbers, float otherwise, long query, long key) const {
    if (!limited()) return numbers;
    const float before = behind < 0 ? 1e30f : behind, after = ahead < 0 ? 1e30f : ahead;
    Floats distance;
    for (long i = 0; i < lanes; i++) distance[i] = query + i - key;
    return (distance <= before) & (distance >= -after) ? numbers : Floats{} + otherwise;
  }

  // [keys, width]: `key`, `value`; [queries, width]: `query`, `slope`; [keys, queries]: `weights`, `slopes`.
  struct Workspace {
    Packed<T> query, key, value, slope, weights, slopes;
    Buffer<float> scores, changes, sums, for_keys, for_values;
    alignas(64) uint32_t low[query_block], high[query_block];
  };
  static inline thread_local Workspace workspace;

  // Prepares a block of queries and their random streams. Returns the number of queries.
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
  // Applies dropout to the weights of one key.
  Floats kept(Floats weights, const Workspace& work, long i, long key) const {
    return dropout.kept(weights, read<Bits>(work.low + i) + uint32_t(key) * column_step, read<Bits>(work.high + i));
  }
  static Matrix<float> matrix(Buffer<float>& numbers, long rows, long columns) {
    return {numbers.resize(rows * columns), columns, 1};
  }
  // Dot products of rows [keys, queries].
  float* products(Packed<T>& of_keys, const Keys& near, Packed<T>& of_queries, Buffer<float>& numbers) const {
    const long columns = of_queries.rows;
    const Matrix<float> found = matrix(numbers, near.count, columns);
    multiply(of_keys.by_row().at(near.first), of_queries.turned(), found, near.count, columns, wide / Packed<T>::each,
             false);
    return found.data;
  }

  void forward() const {
    Workspace& work = workspace;
    work.key.pack(key, keys, width, 2);
    work.value.pack(value, keys, width, 2);
    work.value.pair_rows();
    for (long first = 0; first < queries; first += query_block) {
      const long count = begin(work, first), columns = work.query.rows;
      const Keys near = reached(first, count);
      const float* scores = products(work.key, near, work.query, work.scores);
      auto* weights = work.weights.resize(near.count, columns, 2);
      alignas(64) float largest[query_block], total[query_block];
      for (long i = 0; i < columns; i += lanes) {
        Floats most = Floats{} - 1e30f, sum = {};
        for (long j = 0; j < near.count; j++) {
          const Floats score = load(scores + j * columns + i) * to_exponent;
          most = maximum(most, within(score, -1e30f, first + i, near.first + j));
        }
        for (long j = 0; j < near.count; j++) {
          const Floats any = power_of_two(load(scores + j * columns + i) * to_exponent - most);
          const Floats weight = within(any, 0, first + i, near.first + j);
          sum += weight;
          store(weights + j * columns + i, kept(weight, work, i, near.first + j));
        }
        store(largest + i, most), store(total + i, sum);
      }
      work.weights.pair_rows();
      const Matrix<float> sums = matrix(work.sums, count, wide);
      multiply(work.weights.by_column(), work.value.by_token().at(near.unit()), sums, count, wide, near.depth(), false);
      for (long i = 0; i < count; i++) {
        *normaliser.at(first + i).data = largest[i] + std::log2(total[i]);
        write_rows(sums.at(i), output.at(first + i), 1, total[i] > 0 ? dropout.scale / total[i] : 0);
      }
    }
  }

  // Computes the gradients of queries, keys and values from the gradient of the output (`slope`).
  void backward(Matrix<T> slope, Matrix<T> for_query, Matrix<T> for_key, Matrix<T> for_value) const {
    Workspace& work = workspace;
    work.key.pack(key, keys, width, 2);
    work.key.pair_rows();
    work.value.pack(value, keys, width, 2);
    const Matrix<float> key_sums = matrix(work.for_keys, keys, wide), value_sums = matrix(work.for_values, keys, wide);
    if (limited())  // With a limit, no single block of queries is the first one for all keys.
      for (const auto& sums : {key_sums, value_sums}) std::fill_n(sums.data, keys * wide, 0.0f);
    long first = 0;
    do {  // Runs at least once: without queries, the gradients of keys and values are 0.
      const long count = begin(work, first), columns = work.query.rows, depth = columns / Packed<T>::each;
      const Keys near = reached(first, count);
      const bool add = first > 0 || limited();
      work.slope.pack(slope.at(first), count, width, lanes);
      work.slope.turn();
      const float *scores = products(work.key, near, work.query, work.scores),
                  *changes = products(work.value, near, work.slope, work.changes);
      alignas(64) float means[query_block] = {}, exponents[query_block] = {};
      for (long i = 0; i < count; i++) {
        Floats mean = {};
        for (long w = 0; w < width; w += lanes)
          mean += load(output.at(first + i).data + w, width - w) * load(slope.at(first + i).data + w, width - w);
        means[i] = sum(mean), exponents[i] = *normaliser.at(first + i).data;
      }
      auto *weights = work.weights.resize(near.count, columns, 2);
      auto *slopes = work.slopes.resize(near.count, columns, 2);
      for (long i = 0; i < columns; i += lanes) {
        const Floats mean = load(means + i), exponent = load(exponents + i);
        for (long j = 0, at = i; j < near.count; j++, at += columns) {
          const Floats any = power_of_two(load(scores + at) * to_exponent - exponent);
          const Floats weight = within(any, 0, first + i, near.first + j);
          const Floats dropped = kept(weight * dropout.scale, work, i, near.first + j);
          store(weights + at, dropped);
          store(slopes + at, dropped * load(changes + at) - weight * mean);
        }
      }
      for (Packed<T>* packed : {&work.query, &work.slope, &work.slopes}) packed->pair_rows();
      const Matrix<float> sums = matrix(work.sums, count, wide);
      multiply(work.weights.by_row(), work.slope.by_token(), value_sums.at(near.first), near.count, wide, depth, add);
      multiply(work.slopes.by_row(), work.query.by_token(), key_sums.at(near.first), near.count, wide, depth, add);
      multiply(work.slopes.by_column(), work.key.by_token().at(near.unit()), sums, count, wide, near.depth(), false);
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
