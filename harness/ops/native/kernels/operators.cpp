// The kernels as torch operators with gradients.
#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "attention.h"
#include "normalise.h"

using at::Tensor;
using Tensors = torch::autograd::variable_list;
using torch::autograd::AutogradContext;

namespace {

template <class T> T* data(const Tensor& tensor) { return static_cast<T*>(const_cast<void*>(tensor.const_data_ptr())); }

// Calls `use` with a value of the tensor's element type.
template <class Use> void by_type(const Tensor& tensor, Use use) {
  if (tensor.scalar_type() == at::kFloat) return use(float());
  TORCH_CHECK_TYPE(tensor.scalar_type() == at::kBFloat16, "native kernels take float32 and bfloat16");
  use(Bfloat());
}

// Calls `work` with each index below `count`, in chunks of `together` per thread. Results do not depend on the threads.
template <class Work> void in_parallel(long count, long together, Work work) {
  at::parallel_for(0, (count + together - 1) / together, 1, [&](long first, long last) {
    for (long i = first * together; i < std::min(count, last * together); i++) work(i);
  });
}

// Returns a head's rows of a tensor [tokens, heads, ...], starting at a token.
template <class T> Matrix<T> rows_of(const Tensor& tensor, long first, long head) {
  return {data<T>(tensor) + first * tensor.stride(0) + head * tensor.stride(1), tensor.stride(0), 1};
}

void check_boundaries(const Tensor& boundaries, long tokens) {
  const int *at = boundaries.const_data_ptr<int>(), *end = at + boundaries.numel();
  TORCH_CHECK_VALUE(boundaries.is_contiguous() && at < end && *at == 0 && end[-1] == tokens && std::is_sorted(at, end),
                    "boundaries: must rise from 0 to ", tokens);
}

// Each operator computes its result from the given tensors, and the gradients of the first of them from the result's.
// `kept` holds the given tensors and, after the forward pass, those that the backward pass needs.
struct AttentionOperator {  // Given: query, key, value, boundaries of queries and of keys, limits of distance.
  static Tensor forward(Tensors& kept, double scaling, const Dropout& dropout) {
    for (Tensor& rows : kept)
      if (rows.stride(-1) != 1) rows = rows.contiguous();
    check_boundaries(kept[3], kept[0].size(0)), check_boundaries(kept[4], kept[1].size(0));
    const Tensor output = kept[0].new_empty(kept[0].sizes());
    kept.insert(kept.end(), {output, output.new_empty({output.size(0), output.size(1)}, at::kFloat)});
    for_each_head(kept, scaling, dropout, [](const auto& kernel, long, long, long) { kernel.forward(); });
    return output;
  }
  static Tensors backward(const Tensor& slope_, const Tensors& kept, double scaling, const Dropout& dropout) {
    const Tensor slope = slope_.contiguous(), query = kept[0].new_empty(kept[0].sizes()),
                 key = kept[1].new_empty(kept[1].sizes()), value = kept[2].new_empty(kept[2].sizes());
    for_each_head(kept, scaling, dropout, [&]<class T>(const Attention<T>& kernel, long q, long k, long head) {
      kernel.backward(rows_of<T>(slope, q, head), rows_of<T>(query, q, head), rows_of<T>(key, k, head),
                      rows_of<T>(value, k, head));
    });
    return {query, key, value};
  }
  // Calls `work(kernel, first query, first key, head)` for each head of each sequence.
  template <class Work>
  static void for_each_head(const Tensors& kept, double scaling, const Dropout& dropout, Work work) {
    const long heads = kept[0].size(1), width = kept[0].size(2);
    const int *ends = data<int>(kept[3]), *key_ends = data<int>(kept[4]);
    const int* reach = data<int>(kept[5]);
    by_type(kept[0], [&]<class T>(T) {
      in_parallel((kept[3].numel() - 1) * heads, 1, [&](long i) {
        const long at = i / heads, head = i % heads, q = ends[at], k = key_ends[at];
        const Attention<T> kernel{
            ends[at + 1] - q, key_ends[at + 1] - k, width, q * heads + head, heads, reach[0], reach[1], float(scaling), dropout,
            rows_of<T>(kept[0], q, head), rows_of<T>(kept[1], k, head), rows_of<T>(kept[2], k, head),
            rows_of<T>(kept[6], q, head), rows_of<float>(kept[7], q, head)};
        work(kernel, q, k, head);
      });
    });
  }
};

struct NormOperator {  // Given: hidden states, residual, weight, bias.
  static constexpr long together = 64;
  static Tensor forward(Tensors& kept, double epsilon, const Dropout& dropout) {
    const auto type = at::promote_types(kept[0].scalar_type(), kept[1].scalar_type());
    const Tensor output = kept[0].new_empty(kept[0].sizes(), type);
    for (long i : {2, 3}) kept[i] = kept[i].to(at::kFloat);
    for (Tensor& tensor : kept) tensor = tensor.contiguous();
    for_each_row(kept, epsilon, dropout, [&]<class Kernel>(const Kernel& kernel, long row) {
      kernel.forward(row, data<typename Kernel::Output>(output));
    });
    return output;
  }
  static Tensors backward(const Tensor& slope_, const Tensors& kept, double epsilon, const Dropout& dropout) {
    const Tensor slope = slope_.contiguous(), hidden = kept[0].new_empty(kept[0].sizes()),
                 residual = kept[1].new_empty(kept[1].sizes());
    const long width = kept[2].numel(), groups = (slope.numel() / width + together - 1) / together;
    // Each group of consecutive rows has its own sums, so the order of additions does not depend on the threads.
    const Tensor sums = kept[2].new_zeros({groups, 2, rounded_up(width, lanes)});
    for_each_row(kept, epsilon, dropout, [&]<class H, class R>(const Normalise<H, R>& kernel, long row) {
      float* own = data<float>(sums) + row / together * sums.stride(0);
      kernel.backward(row, data<typename Normalise<H, R>::Output>(slope), data<H>(hidden), data<R>(residual), own,
                      own + sums.stride(1));
    });
    const Tensor total = sums.sum(0).slice(1, 0, width);
    return {hidden, residual, total[0], total[1]};
  }
  // Calls `work(kernel, row)` for each row.
  template <class Work>
  static void for_each_row(const Tensors& kept, double epsilon, const Dropout& dropout, Work work) {
    by_type(kept[0], [&]<class H>(H) { by_type(kept[1], [&]<class R>(R) {
      const Normalise<H, R> kernel{data<H>(kept[0]), data<R>(kept[1]), data<float>(kept[2]), data<float>(kept[3]),
                                   kept[2].numel(), float(epsilon), dropout};
      in_parallel(kept[0].numel() / kept[2].numel(), together, [&](long row) { work(kernel, row); });
    }); });
  }
};

struct DropoutOperator {  // Elements are read as one flat array. Each chunk has its own random stream.
  static constexpr long chunk = 1024;
  static Tensor forward(Tensors& kept, double, const Dropout& dropout) {
    const Tensor hidden = kept[0].contiguous(), output = hidden.new_empty(hidden.sizes());
    kept.clear();
    by_type(hidden, [&]<class T>(T) {
      T *from = data<T>(hidden), *to = data<T>(output);
      in_parallel((hidden.numel() + chunk - 1) / chunk, 16, [&, all = hidden.numel()](long i) {
        const uint64_t key = row_key(dropout.seed, i);
        for (long at = i * chunk, column = 0; column < chunk && at < all; at += lanes, column += lanes) {
          store(to + at, dropout.kept(load(from + at, all - at), key, column) * dropout.scale, all - at);
        }
      });
    });
    return output;
  }
  static Tensors backward(const Tensor& slope, const Tensors&, double, const Dropout& dropout) {
    Tensors kept{slope};
    return {forward(kept, 0, dropout)};
  }
};

template <class Operator> struct Differentiable : torch::autograd::Function<Differentiable<Operator>> {
  static Tensor forward(AutogradContext* context, at::TensorList given, double number, double share, int64_t seed) {
    Tensors kept = given.vec();
    const Tensor result = Operator::forward(kept, number, {share, seed});
    context->save_for_backward(kept);
    context->saved_data["options"] = std::tuple(number, share, seed);
    return result;
  }
  static Tensors backward(AutogradContext* context, Tensors slopes) {
    const auto [number, share, seed] = context->saved_data["options"].to<std::tuple<double, double, int64_t>>();
    auto gradients = Operator::backward(slopes[0], context->get_saved_variables(), number, {share, seed});
    gradients.resize(9);  // Boundaries and numbers have no gradient; torch drops the excess ones.
    return gradients;
  }
  static Tensor call(at::TensorList given, double number, double share, int64_t seed) {
    return Differentiable::apply(given, number, share, seed);
  }
};

}  // namespace

TORCH_LIBRARY(harness_native, library) {
  library.def("attention(Tensor[] given, float scaling, float dropout, int seed) -> Tensor",
              Differentiable<AttentionOperator>::call);
  library.def("dropout_add_norm(Tensor[] given, float epsilon, float dropout, int seed) -> Tensor",
              Differentiable<NormOperator>::call);
  library.def("dropout(Tensor[] hidden, float unused, float dropout, int seed) -> Tensor",
              Differentiable<DropoutOperator>::call);
}
