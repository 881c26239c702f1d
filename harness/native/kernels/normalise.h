// LayerNorm(residual + dropout(hidden)) row by row, and dropout alone. Sums are made in 32 bits.
#pragma once
#include "random.h"

constexpr long rows_together = 64, chunk = 1024;

// The rows of one call; what the norm saw is computed again in the backward pass instead of being kept.
template <class Hidden, class Residual> struct Normalise {
  const Hidden* hidden;
  const Residual* residual;
  const float *weight, *bias;
  long width;
  Dropout dropout;

  // What is normalised; `factors` takes what each hidden number is multiplied by.
  void add(long row, float* added, float* factors) const {
    const uint64_t key = row_key(dropout.seed, row);
    for (long i = 0; i < width; i += lanes) {
      const Floats factor = dropout.kept(Floats{} + dropout.scale, key, i);
      store(factors + i, factor);
      const Floats dropped = load(hidden + row * width + i, width - i) * factor;
      store(added + i, dropped + load(residual + row * width + i, width - i));
    }
  }

  template <class T> void forward(long row, T* output, float epsilon, float* mean, float* deviation) const {
    float *added = buffer(), *factors = added + padded();
    add(row, added, factors);
    Floats total = {}, squares = {};
    for (long i = 0; i < width; i += lanes) total += load(added + i);
    const float middle = sum(total) / width;
    for (long i = 0; i < width; i += lanes) {
      const Floats distance = load(added + i) - middle;
      squares += some(distance * distance, width - i);
    }
    mean[row] = middle, deviation[row] = 1 / std::sqrt(sum(squares) / width + epsilon);
    for (long i = 0; i < width; i += lanes) {
      const Floats normal = (load(added + i) - middle) * deviation[row];
      store(output + row * width + i, normal * load(weight + i, width - i) + load(bias + i, width - i), width - i);
    }
  }

  // Adds to the slopes of weight and bias [width, padded].
  template <class T>
  void backward(long row, const T* slope, const float* mean, const float* deviation, Hidden* hidden_slope,
                Residual* residual_slope, float* weight_slope, float* bias_slope) const {
    float *normal = buffer(), *factors = normal + padded();
    add(row, normal, factors);
    Floats total = {}, along = {};
    for (long i = 0; i < width; i += lanes) {
      const Floats given = load(slope + row * width + i, width - i), scaled = given * load(weight + i, width - i);
      const Floats here = (load(normal + i) - mean[row]) * deviation[row];
      store(normal + i, here);
      total += scaled, along += scaled * here;
      store(weight_slope + i, load(weight_slope + i) + given * here);
      store(bias_slope + i, load(bias_slope + i) + given);
    }
    const float total_mean = sum(total) / width, along_mean = sum(along) / width;
    for (long i = 0; i < width; i += lanes) {
      const Floats scaled = load(slope + row * width + i, width - i) * load(weight + i, width - i);
      const Floats change = (scaled - total_mean - load(normal + i) * along_mean) * deviation[row];
      store(residual_slope + row * width + i, change, width - i);
      store(hidden_slope + row * width + i, change * load(factors + i), width - i);
    }
  }

  long padded() const { return rounded_up(width, lanes); }
  float* buffer() const {
    static thread_local Buffer<float> buffer;
    buffer.resize(2 * padded());
    return buffer.data();
  }
  static Floats some(Floats wide, long count) {
    float numbers[lanes];
    if (count >= lanes) return wide;
    store(numbers, wide);
    return load(numbers, count);
  }
};

// One chunk of elements laid end to end, with a random stream of its own.
template <class T> void drop_chunk(const T* from, T* to, long elements, long number, const Dropout& dropout) {
  const long first = number * chunk, count = std::min(chunk, elements - first);
  const uint64_t key = row_key(dropout.seed, number);
  for (long i = 0; i < count; i += lanes) {
    const Floats kept = dropout.kept(load(from + first + i, count - i), key, i) * dropout.scale;
    store(to + first + i, kept, count - i);
  }
}
