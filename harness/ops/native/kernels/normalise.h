// LayerNorm(residual + dropout(hidden)), row by row. Sums are accumulated in float32.
#pragma once
#include "random.h"

// The rows of one call. The backward pass recomputes the normalised values instead of storing them.
template <class Hidden, class Residual> struct Normalise {
  using Output = std::conditional_t<std::is_same_v<Hidden, Residual>, Hidden, float>;  // The wider of the two types.
  const Hidden* hidden;
  const Residual* residual;
  const float *weight, *bias;
  const long width;
  const float epsilon;
  const Dropout dropout;
  const long padded = rounded_up(width, lanes);
  static inline thread_local Buffer<float> buffer;

  // Computes the sum to be normalised (`added`) and the dropout factors. Returns its mean and inverse deviation.
  std::pair<float, float> add(long row, float* added, float* factors) const {
    const uint64_t key = row_key(dropout.seed, row);
    Floats total = {}, squares = {};
    for (long i = 0; i < width; i += lanes) {
      const Floats factor = dropout.kept(Floats{} + dropout.scale, key, i);
      const Floats dropped = load(hidden + row * width + i, width - i) * factor;
      const Floats here = dropped + load(residual + row * width + i, width - i);
      store(factors + i, factor), store(added + i, here);
      total += here;
    }
    const float mean = sum(total) / width;
    std::fill(added + width, added + padded, mean);  // Padding does not contribute to the variance.
    for (long i = 0; i < width; i += lanes) squares += (load(added + i) - mean) * (load(added + i) - mean);
    return {mean, 1 / std::sqrt(sum(squares) / width + epsilon)};
  }

  void forward(long row, Output* output) const {
    float* added = buffer.resize(2 * padded);
    const auto [mean, scale] = add(row, added, added + padded);
    for (long i = 0; i < width; i += lanes) {
      const Floats scaled = (load(added + i) - mean) * scale * load(weight + i, width - i);
      store(output + row * width + i, scaled + load(bias + i, width - i), width - i);
    }
  }

  // Computes the gradients of a row, and adds to those of weight and bias [padded].
  void backward(long row, const Output* slope, Hidden* hidden_slope, Residual* residual_slope, float* weight_slope,
                float* bias_slope) const {
    float *normal = buffer.resize(2 * padded), *factors = normal + padded;
    const auto [mean, scale] = add(row, normal, factors);
    Floats total = {}, along = {};
    for (long i = 0; i < width; i += lanes) {
      const Floats given = load(slope + row * width + i, width - i), scaled = given * load(weight + i, width - i);
      const Floats here = (load(normal + i) - mean) * scale;
      store(normal + i, here);
      total += scaled, along += scaled * here;
      store(weight_slope + i, load(weight_slope + i) + given * here);
      store(bias_slope + i, load(bias_slope + i) + given);
    }
    const float total_mean = sum(total) / width, along_mean = sum(along) / width;
    for (long i = 0; i < width; i += lanes) {
      const Floats scaled = load(slope + row * width + i, width - i) * load(weight + i, width - i);
      const Floats change = (scaled - total_mean - load(normal + i) * along_mean) * scale;
      store(residual_slope + row * width + i, change, width - i);
      store(hidden_slope + row * width + i, change * load(factors + i), width - i);
    }
  }
};
