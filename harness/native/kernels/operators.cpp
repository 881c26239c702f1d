// The kernels as operators of torch, each with its gradient.
#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "attention.h"
#include "normalise.h"

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

#if defined(__AVX512BF16__)
using BfloatUnit = Pair;
#else
using BfloatUnit = float;
#endif

template <class T> T* data(const Tensor& tensor) { return static_cast<T*>(tensor.data_ptr()); }
template <class T> const T* constant(const Tensor& tensor) { return static_cast<const T*>(tensor.const_data_ptr()); }

// Calls `use` with a value of the type that a tensor's numbers are stored in.
template <class Use> void by_type(const Tensor& tensor, Use use) {
  if (tensor.scalar_type() == at::kFloat) return use(float());
  TORCH_CHECK_TYPE(tensor.scalar_type() == at::kBFloat16, "native kernels take float32 and bfloat16");
  use(Bfloat());
}

// Calls `work` with every number below `count`. Which thread has which changes nothing in the result.
template <class Work> void in_parallel(long count, Work work) {
  const int threads = at::in_parallel_region() || count < 2 ? 1 : std::min<long>(at::get_num_threads(), count);
#pragma omp parallel for schedule(dynamic) num_threads(threads) if (threads > 1)
  for (long i = 0; i < count; i++) work(i);
}

Tensor with_adjacent_numbers(const Tensor& rows) { return rows.stride(-1) == 1 ? rows : rows.contiguous(); }

template <class T> Rows<T> rows_of(const Tensor& tensor, long first, long head) {
  T* start = static_cast<T*>(const_cast<void*>(tensor.const_data_ptr()));
  return {start + first * tensor.stride(0) + head * tensor.stride(1), tensor.stride(0)};
}

void check_boundaries(const Tensor& boundaries, long tokens) {
  TORCH_CHECK_VALUE(boundaries.dim() == 1 && boundaries.scalar_type() == at::kInt && boundaries.is_contiguous() &&
                        boundaries.numel() > 0, "boundaries: must be int32 [sequences + 1]");
  const int* at = constant<int>(boundaries);
  const long last = boundaries.numel() - 1;
  TORCH_CHECK_VALUE(at[0] == 0 && at[last] == tokens && std::is_sorted(at, at + last + 1),
                    "boundaries: must rise from 0 to ", tokens);
}

// Calls `work(shape, head, first query, first key)` for each head of each sequence.
template <class Work>
void for_each_head(const Tensor& query, const Tensor& key, const Tensor& queries, const Tensor& keys, double scaling,
                   Work work) {
  check_boundaries(queries, query.size(0));
  check_boundaries(keys, key.size(0));
  const long heads = query.size(1), width = query.size(2);
  const int *q = constant<int>(queries), *k = constant<int>(keys);
  in_parallel((queries.numel() - 1) * heads, [&](long i) {
    const long sequence = i / heads, head = i % heads, first = q[sequence];
    const Shape shape{q[sequence + 1] - first, k[sequence + 1] - k[sequence], width, first * heads + head, heads,
                      float(scaling)};
    work(shape, head, first, long(k[sequence]));
  });
}

std::tuple<Tensor, Tensor> attention(const Tensor& query_, const Tensor& key_, const Tensor& value_,
                                     const Tensor& queries, const Tensor& keys, double scaling, double share,
                                     int64_t seed) {
  const Tensor query = with_adjacent_numbers(query_), key = with_adjacent_numbers(key_),
               value = with_adjacent_numbers(value_);
  const Tensor output = at::empty(query.sizes(), query.options());
  const Tensor normaliser = at::empty({query.size(1), query.size(0)}, query.options().dtype(at::kFloat));
  const Dropout dropout(share, seed);
  by_type(query, [&](auto number) {
    using T = decltype(number);
    using Unit = std::conditional_t<std::is_same_v<T, float>, float, BfloatUnit>;
    for_each_head(query, key, queries, keys, scaling, [&](const Shape& shape, long head, long q, long k) {
      Attention<T, Unit>{shape, dropout}.forward(
          rows_of<const T>(query, q, head), rows_of<const T>(key, k, head), rows_of<const T>(value, k, head),
          rows_of<T>(output, q, head), data<float>(normaliser) + head * query.size(0) + q);
    });
  });
  return {output, normaliser};
}

std::tuple<Tensor, Tensor, Tensor> attention_backward(const Tensor& slope_, const Tensor& query_, const Tensor& key_,
                                                      const Tensor& value_, const Tensor& queries, const Tensor& keys,
                                                      const Tensor& output, const Tensor& normaliser, double scaling,
                                                      double share, int64_t seed) {
  const Tensor slope = with_adjacent_numbers(slope_), query = with_adjacent_numbers(query_),
               key = with_adjacent_numbers(key_), value = with_adjacent_numbers(value_);
  const Tensor for_query = at::empty(query.sizes(), query.options()), for_key = at::empty(key.sizes(), key.options()),
               for_value = at::empty(value.sizes(), value.options());
  const Dropout dropout(share, seed);
  by_type(query, [&](auto number) {
    using T = decltype(number);
    using Unit = std::conditional_t<std::is_same_v<T, float>, float, BfloatUnit>;
    for_each_head(query, key, queries, keys, scaling, [&](const Shape& shape, long head, long q, long k) {
      Attention<T, Unit>{shape, dropout}.backward(
          rows_of<const T>(query, q, head), rows_of<const T>(key, k, head), rows_of<const T>(value, k, head),
          rows_of<const T>(output, q, head), rows_of<const T>(slope, q, head),
          constant<float>(normaliser) + head * query.size(0) + q, rows_of<T>(for_query, q, head),
          rows_of<T>(for_key, k, head), rows_of<T>(for_value, k, head));
    });
  });
  return {for_query, for_key, for_value};
}

std::tuple<Tensor, Tensor, Tensor> dropout_add_norm(const Tensor& hidden_, const Tensor& residual_,
                                                    const Tensor& weight_, const Tensor& bias_, double epsilon,
                                                    double share, int64_t seed) {
  const Tensor hidden = hidden_.contiguous(), residual = residual_.contiguous(),
               weight = weight_.to(at::kFloat).contiguous(), bias = bias_.to(at::kFloat).contiguous();
  const long width = weight.numel(), rows = hidden.numel() / width;
  const auto type = at::promote_types(hidden.scalar_type(), residual.scalar_type());
  const Tensor output = at::empty(hidden.sizes(), hidden.options().dtype(type));
  const Tensor mean = at::empty({rows}, hidden.options().dtype(at::kFloat)), deviation = at::empty_like(mean);
  by_type(hidden, [&](auto h) { by_type(residual, [&](auto r) { by_type(output, [&](auto o) {
    using Out = decltype(o);
    const Normalise<decltype(h), decltype(r)> kernel{
        constant<decltype(h)>(hidden), constant<decltype(r)>(residual), constant<float>(weight), constant<float>(bias),
        width, Dropout(share, seed)};
    in_parallel((rows + rows_together - 1) / rows_together, [&](long group) {
      for (long row = group * rows_together; row < std::min(rows, (group + 1) * rows_together); row++)
        kernel.forward(row, data<Out>(output), epsilon, data<float>(mean), data<float>(deviation));
    });
  }); }); });
  return {output, mean, deviation};
}

// Gradients of hidden, residual, weight and bias.
std::tuple<Tensor, Tensor, Tensor, Tensor> dropout_add_norm_backward(
    const Tensor& slope_, const Tensor& hidden_, const Tensor& residual_, const Tensor& weight_, const Tensor& mean,
    const Tensor& deviation, double share, int64_t seed) {
  const Tensor slope = slope_.contiguous(), hidden = hidden_.contiguous(), residual = residual_.contiguous(),
               weight = weight_.to(at::kFloat).contiguous();
  const long width = weight.numel(), rows = hidden.numel() / width, groups = (rows + rows_together - 1) / rows_together;
  const Tensor for_hidden = at::empty_like(hidden), for_residual = at::empty_like(residual);
  // Each group of rows sums for itself, so that the order of the sums does not depend on the threads.
  const Tensor sums = at::zeros({groups, 2, rounded_up(width, lanes)}, mean.options());
  by_type(hidden, [&](auto h) { by_type(residual, [&](auto r) { by_type(slope, [&](auto s) {
    using Hidden = decltype(h);
    using Residual = decltype(r);
    const Normalise<Hidden, Residual> kernel{constant<Hidden>(hidden), constant<Residual>(residual),
                                             constant<float>(weight), nullptr, width, Dropout(share, seed)};
    in_parallel(groups, [&](long group) {
      float* of_group = data<float>(sums) + group * sums.stride(0);
      for (long row = group * rows_together; row < std::min(rows, (group + 1) * rows_together); row++)
        kernel.backward(row, constant<decltype(s)>(slope), constant<float>(mean), constant<float>(deviation),
                        data<Hidden>(for_hidden), data<Residual>(for_residual), of_group, of_group + sums.stride(1));
    });
  }); }); });
  const Tensor total = sums.sum(0).slice(1, 0, width).to(weight_.scalar_type());
  return {for_hidden, for_residual, total[0], total[1]};
}

Tensor dropout(const Tensor& hidden_, double share, int64_t seed) {
  const Tensor hidden = hidden_.contiguous(), output = at::empty_like(hidden);
  const long elements = hidden.numel(), chunks = (elements + chunk - 1) / chunk;
  const Dropout drop(share, seed);
  by_type(hidden, [&](auto number) {
    using T = decltype(number);
    in_parallel((chunks + 15) / 16, [&](long group) {
      for (long i = group * 16; i < std::min(chunks, (group + 1) * 16); i++)
        drop_chunk(constant<T>(hidden), data<T>(output), elements, i, drop);
    });
  });
  return output;
}

struct AttentionGradient : torch::autograd::Function<AttentionGradient> {
  static Tensor forward(AutogradContext* context, const Tensor& query, const Tensor& key, const Tensor& value,
                        const Tensor& queries, const Tensor& keys, double scaling, double share, int64_t seed) {
    auto [output, normaliser] = attention(query, key, value, queries, keys, scaling, share, seed);
    context->save_for_backward({query, key, value, queries, keys, output, normaliser});
    context->saved_data["numbers"] = std::tuple(scaling, share, seed);
    return output;
  }
  static variable_list backward(AutogradContext* context, variable_list slopes) {
    const auto saved = context->get_saved_variables();
    const auto [scaling, share, seed] = context->saved_data["numbers"].to<std::tuple<double, double, int64_t>>();
    auto [query, key, value] = attention_backward(slopes[0], saved[0], saved[1], saved[2], saved[3], saved[4], saved[5],
                                                  saved[6], scaling, share, seed);
    return {query, key, value, {}, {}, {}, {}, {}};
  }
};

struct NormGradient : torch::autograd::Function<NormGradient> {
  static Tensor forward(AutogradContext* context, const Tensor& hidden, const Tensor& residual, const Tensor& weight,
                        const Tensor& bias, double epsilon, double share, int64_t seed) {
    auto [output, mean, deviation] = dropout_add_norm(hidden, residual, weight, bias, epsilon, share, seed);
    context->save_for_backward({hidden, residual, weight, mean, deviation});
    context->saved_data["numbers"] = std::tuple(share, seed);
    return output;
  }
  static variable_list backward(AutogradContext* context, variable_list slopes) {
    const auto saved = context->get_saved_variables();
    const auto [share, seed] = context->saved_data["numbers"].to<std::tuple<double, int64_t>>();
    auto [hidden, residual, weight, bias] =
        dropout_add_norm_backward(slopes[0], saved[0], saved[1], saved[2], saved[3], saved[4], share, seed);
    return {hidden, residual, weight, bias, {}, {}, {}};
  }
};

struct DropoutGradient : torch::autograd::Function<DropoutGradient> {
  static Tensor forward(AutogradContext* context, const Tensor& hidden, double share, int64_t seed) {
    context->saved_data["numbers"] = std::tuple(share, seed);
    return dropout(hidden, share, seed);
  }
  static variable_list backward(AutogradContext* context, variable_list slopes) {
    const auto [share, seed] = context->saved_data["numbers"].to<std::tuple<double, int64_t>>();
    return {dropout(slopes[0], share, seed), {}, {}};
  }
};

}  // namespace

TORCH_LIBRARY(harness_native, library) {
  library.def("attention(Tensor query, Tensor key, Tensor value, Tensor queries, Tensor keys, float scaling,"
              " float dropout, int seed) -> Tensor",
              [](const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& queries,
                 const Tensor& keys, double scaling, double share, int64_t seed) {
                return AttentionGradient::apply(query, key, value, queries, keys, scaling, share, seed);
              });
  library.def("dropout_add_norm(Tensor hidden, Tensor residual, Tensor weight, Tensor bias, float epsilon,"
              " float dropout, int seed) -> Tensor",
              [](const Tensor& hidden, const Tensor& residual, const Tensor& weight, const Tensor& bias,
                 double epsilon, double share, int64_t seed) {
                return NormGradient::apply(hidden, residual, weight, bias, epsilon, share, seed);
              });
  library.def("dropout(Tensor hidden, float dropout, int seed) -> Tensor",
              [](const Tensor& hidden, double share, int64_t seed) {
                return DropoutGradient::apply(hidden, share, seed);
              });
}
