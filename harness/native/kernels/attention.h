// Attention of one head within one sequence, block by block, so that memory grows with the tokens alone.
// Source: Dao et al. 2022, "FlashAttention", algorithms 1 and 4; here with scores [keys, queries], so that what
// belongs to a query (its maximum, sum and random numbers) lies in a lane, and nothing is summed across lanes.
#pragma once
#include "multiply.h"
#include "random.h"

constexpr long query_block = 64, key_block = 128;

// One head's rows of a tensor [tokens, heads, width], from a sequence's first token on.
template <class T> struct Rows {
  T* data;
  long token;
  T* at(long row) const { return data + row * token; }
  Rows from(long row) const { return {at(row), token}; }
};

// Rows padded by zeros to whole vectors, in the forms that products take: read number by number (`by_row`), or in
// vectors with depth along the rows (`by_token`) or along the width (`turned`).
template <class Unit> struct Packed {
  static constexpr long each = numbers_in<Unit>;
  long wide = 0, count = 0;
  Buffer<Number<Unit>> numbers;
  Buffer<Unit> pairs, columns;

  template <class T> void pack(Rows<const T> from, long rows, long width, long padded_rows) {
    wide = rounded_up(width, lanes), count = padded_rows;
    numbers.resize(count * wide);
    for (long row = 0; row < rows; row++)
      for (long i = 0; i < width; i += lanes) {
        store(&numbers[row * wide + i], load(from.at(row) + i, width - i));
        __builtin_prefetch(from.at(row) + width + i);  // The next head's.
      }
    std::fill(numbers.begin() + rows * wide, numbers.end(), 0);
  }
  void pair_rows() {
    if constexpr (each == 2) {
      pairs.resize(count / 2 * wide);
      for (long row = 0; row < count; row += 2)
        for (long i = 0; i < wide; i += lanes) {
          const Number<Unit>* from = &numbers[row * wide + i];
          write(&pairs[row / 2 * wide + i], as<Bits>(load(from)) >> 16 | as<Bits>(load(from + wide)));
        }
    }
  }
  void turn() {
    const long depth = wide / each;
    const Unit* from = by_row().data;
    columns.resize(depth * count);
    for (long row = 0; row < count; row += lanes)
      for (long i = 0; i < depth; i++) {
        Unit column[lanes];
#pragma GCC unroll 16
        for (long k = 0; k < lanes; k++) column[k] = from[(row + k) * depth + i];
        write(&columns[i * count + row], read<Bits>(column));
      }
  }
  Matrix<Unit> by_row() { return {reinterpret_cast<Unit*>(numbers.data()), wide / each, 1}; }
  Matrix<Unit> by_token() {
    if constexpr (each == 2) return {pairs.data(), wide, 1};
    else return {numbers.data(), wide, 1};
  }
  Matrix<Unit> turned() { return {columns.data(), count, 1}; }
};

// Weights [keys, queries] of a block as a left factor: with depth along the keys (`over_keys`) or the queries.
template <class Unit> struct Weights {
  static constexpr long each = numbers_in<Unit>;
  alignas(64) Number<Unit> numbers[key_block * query_block];
  alignas(64) Unit pairs[each == 2 ? key_block / 2 * query_block : 1];

  // Two keys' weights for a vector of queries.
  void put(long key, long query, Floats first, Floats second) {
    if constexpr (each == 2) {
      const Bits low = rounded(first) >> 16, high = rounded(second) >> 16;
      write(&pairs[key / 2 * query_block + query], low | high << 16);
      write(&numbers[key * query_block + query], __builtin_convertvector(low, Bfloats));
      write(&numbers[(key + 1) * query_block + query], __builtin_convertvector(high, Bfloats));
    } else {
      store(&numbers[key * query_block + query], first);
      store(&numbers[(key + 1) * query_block + query], second);
    }
  }
  Matrix<Unit> over_queries() { return {reinterpret_cast<Unit*>(numbers), query_block / each, 1}; }
  Matrix<Unit> over_keys() {
    if constexpr (each == 2) return {pairs, 1, query_block};
    else return {numbers, 1, query_block};
  }
};

// What a block of queries has besides its rows, one number a lane.
struct QueryBlock {
  long first, count, columns;
  alignas(64) uint32_t low[query_block], high[query_block];

  QueryBlock(long first, long queries, const Dropout& dropout, long first_row, long row_step)
      : first(first), count(std::min(query_block, queries - first)), columns(rounded_up(count, lanes)) {
    for (long i = 0; i < columns && dropout.threshold; i++) {
      const uint64_t key = row_key(dropout.seed, first_row + (first + i) * row_step);
      low[i] = key, high[i] = key >> 32;
    }
  }
  // What is kept of the weights of one key.
  Floats kept(const Dropout& dropout, Floats weights, long i, long key) const {
    if (!dropout.threshold) return weights;
    const Bits value = read<Bits>(low + i) + uint32_t(key) * column_step;
    return random_bits(value, read<Bits>(high + i)) >= dropout.threshold ? weights : Floats{};
  }
};

// One sequence and head. `first_row`, `row_step`: the numbers of its queries' random streams.
struct Shape {
  long queries, keys, width, first_row, row_step;
  float scaling;
};

template <class T, class Unit> struct Attention {
  const Shape shape;
  const Dropout& dropout;
  const float to_exponent = shape.scaling * 1.44269504f;  // e^x = 2^(x log2 e)

  struct Workspace {
    Packed<Unit> query, key, value, slope;
    Weights<Unit> weights, slopes;
    alignas(64) float scores[key_block * query_block], changes[key_block * query_block];
    Buffer<float> sums, for_keys, for_values;
  };
  static Workspace& workspace() {
    static thread_local Workspace workspace;
    return workspace;
  }

  Matrix<float> scores_of(Packed<Unit>& rows, long key, long count, Packed<Unit>& columns, float* out) {
    const Matrix<float> scores{out, query_block, 1};
    multiply(rows.by_row().at(key), columns.turned(), scores, count, columns.count, rows.wide / rows.each, false);
    return scores;
  }

  // `normaliser` [queries] takes the logarithm (base 2) of each query's sum of exponentials, for the backward pass.
  void forward(Rows<const T> query, Rows<const T> key, Rows<const T> value, Rows<T> output, float* normaliser) {
    Workspace& work = workspace();
    work.key.pack(key, shape.keys, shape.width, rounded_up(shape.keys, 2));
    work.value.pack(value, shape.keys, shape.width, rounded_up(shape.keys, 2));
    work.value.pair_rows();
    for (long first = 0; first < shape.queries; first += query_block) {
      const QueryBlock block(first, shape.queries, dropout, shape.first_row, shape.row_step);
      work.query.pack(query.from(first), block.count, shape.width, block.columns);
      work.query.turn();
      forward_block(work, block, output.from(first), normaliser + first);
    }
  }

  void forward_block(Workspace& work, const QueryBlock& block, Rows<T> output, float* normaliser) {
    constexpr long each = numbers_in<Unit>;
    const long wide = work.value.wide;
    alignas(64) float largest[query_block], total[query_block] = {}, shrink[query_block];
    std::fill(largest, largest + query_block, -1e30f);
    work.sums.assign(query_block * wide, 0);
    const Matrix<float> sums{work.sums.data(), wide, 1};
    for (long first = 0; first < shape.keys; first += key_block) {
      const long count = std::min(key_block, shape.keys - first);
      scores_of(work.key, first, count, work.query, work.scores);
      for (long i = 0; i < block.columns; i += lanes) {
        const Floats before = load(largest + i);
        Floats most = before, weight_sum = load(total + i);
        for (long j = 0; j < count; j++) most = maximum(most, load(work.scores + j * query_block + i) * to_exponent);
        const Floats change = power_of_two(before - most);
        weight_sum *= change;
        for (long j = 0; j < count; j += 2) {
          Floats pair[2] = {};
          for (long k = 0; k < std::min(2L, count - j); k++) {
            pair[k] = power_of_two(load(work.scores + (j + k) * query_block + i) * to_exponent - most);
            weight_sum += pair[k];
            pair[k] = block.kept(dropout, pair[k], i, first + j + k);
          }
          work.weights.put(j, i, pair[0], pair[1]);
        }
        store(largest + i, most), store(total + i, weight_sum), store(shrink + i, change);
      }
      if (first)
        for (long i = 0; i < block.count; i++)
          for (long w = 0; w < wide; w += lanes)
            store(sums.at(i).data + w, load(sums.at(i).data + w) * shrink[i]);
      multiply(work.weights.over_keys(), work.value.by_token().at(first / each), sums, block.count, wide,
               rounded_up(count, each) / each, true);
    }
    for (long i = 0; i < block.count; i++) {
      const float share = total[i] > 0 ? dropout.scale / total[i] : 0;
      normaliser[i] = largest[i] + std::log2(total[i]);
      for (long w = 0; w < shape.width; w += lanes)
        store(output.at(i) + w, load(sums.at(i).data + w) * share, shape.width - w);
    }
  }

  // Gradients of queries, keys and values, from that of the output (`slope`).
  void backward(Rows<const T> query, Rows<const T> key, Rows<const T> value, Rows<const T> output, Rows<const T> slope,
                const float* normaliser, Rows<T> query_slope, Rows<T> key_slope, Rows<T> value_slope) {
    Workspace& work = workspace();
    work.key.pack(key, shape.keys, shape.width, rounded_up(shape.keys, 2));
    work.key.pair_rows();
    work.value.pack(value, shape.keys, shape.width, rounded_up(shape.keys, 2));
    const long wide = work.key.wide;
    work.for_keys.assign(shape.keys * wide, 0);
    work.for_values.assign(shape.keys * wide, 0);
    for (long first = 0; first < shape.queries; first += query_block) {
      const QueryBlock block(first, shape.queries, dropout, shape.first_row, shape.row_step);
      for (auto [packed, rows] : {std::pair{&work.query, query}, std::pair{&work.slope, slope}}) {
        packed->pack(rows.from(first), block.count, shape.width, block.columns);
        packed->pair_rows();
        packed->turn();
      }
      alignas(64) float means[query_block] = {}, exponents[query_block] = {};
      for (long i = 0; i < block.count; i++) {
        Floats mean = {};
        for (long w = 0; w < shape.width; w += lanes)
          mean += load(output.at(first + i) + w, shape.width - w) * load(slope.at(first + i) + w, shape.width - w);
        means[i] = sum(mean), exponents[i] = normaliser[first + i];
      }
      backward_block(work, block, means, exponents);
      write_rows(work.sums.data(), query_slope.from(first), block.count, shape.scaling);
    }
    write_rows(work.for_keys.data(), key_slope, shape.keys, shape.scaling);
    write_rows(work.for_values.data(), value_slope, shape.keys, 1);
  }

  void write_rows(const float* from, Rows<T> to, long rows, float factor) {
    for (long row = 0; row < rows; row++, from += rounded_up(shape.width, lanes))
      for (long w = 0; w < shape.width; w += lanes) store(to.at(row) + w, load(from + w) * factor, shape.width - w);
  }

  void backward_block(Workspace& work, const QueryBlock& block, const float* means, const float* exponents) {
    constexpr long each = numbers_in<Unit>;
    const long wide = work.key.wide, depth = block.columns / each;
    work.sums.assign(query_block * wide, 0);
    for (long first = 0; first < shape.keys; first += key_block) {
      const long count = std::min(key_block, shape.keys - first);
      scores_of(work.key, first, count, work.query, work.scores);
      scores_of(work.value, first, count, work.slope, work.changes);
      for (long i = 0; i < block.columns; i += lanes) {
        const Floats mean = load(means + i), exponent = load(exponents + i);
        for (long j = 0; j < count; j += 2) {
          Floats weights[2] = {}, slopes[2] = {};
          for (long k = 0; k < std::min(2L, count - j); k++) {
            const long at = (j + k) * query_block + i;
            const Floats weight = power_of_two(load(work.scores + at) * to_exponent - exponent);
            weights[k] = block.kept(dropout, weight * dropout.scale, i, first + j + k);
            slopes[k] = weights[k] * load(work.changes + at) - weight * mean;
          }
          work.weights.put(j, i, weights[0], weights[1]);
          work.slopes.put(j, i, slopes[0], slopes[1]);
        }
      }
      multiply(work.weights.over_queries(), work.slope.by_token(),
               Matrix<float>{work.for_values.data() + first * wide, wide, 1}, count, wide, depth, true);
      multiply(work.slopes.over_queries(), work.query.by_token(),
               Matrix<float>{work.for_keys.data() + first * wide, wide, 1}, count, wide, depth, true);
      multiply(work.slopes.over_keys(), work.key.by_token().at(first / each),
               Matrix<float>{work.sums.data(), wide, 1}, block.count, wide, rounded_up(count, each) / each, true);
    }
  }
};
