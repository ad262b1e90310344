#include "models/layers/conv/max_pool.h"

#include <ATen/Context.h>
#include <ATen/Dispatch.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/max_pool2d_with_indices.h>
#include <ATen/ops/max_pool2d_with_indices_backward.h>
#include <ATen/ops/max_pool3d_with_indices.h>
#include <ATen/ops/max_pool3d_with_indices_backward.h>
#include <ATen/ops/searchsorted.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

#include "models/layers/shared_work.h"

namespace slimreel {
namespace {

struct Axis {
  int64_t in = 1, kernel = 1, stride = 1;

  int64_t padding() const { return kernel / 2; }
  int64_t out() const { return (in + 2 * padding() - kernel) / stride + 1; }
  // Where the window of output `o` begins in the input; negative if in the padding.
  int64_t origin(int64_t o) const { return o * stride - padding(); }
  // The places of that window that lie inside the input.
  int64_t first(int64_t o) const { return std::max<int64_t>(0, -origin(o)); }
  int64_t last(int64_t o) const { return std::min(kernel, in - origin(o)); }
};

struct Geometry {
  Axis t, h, w;
  int64_t planes = 1;

  int64_t in() const { return t.in * h.in * w.in; }
  int64_t out() const { return t.out() * h.out() * w.out(); }
  int64_t place(int64_t dt, int64_t dh, int64_t dw) const {
    return (dt * h.kernel + dh) * w.kernel + dw;
  }
};

Geometry GeometryOf(const MaxPoolShape& shape, at::IntArrayRef sizes) {
  const size_t axes = shape.kernel.size();
  TORCH_CHECK((axes == 2 || axes == 3) && shape.stride.size() == axes && sizes.size() == axes + 2,
              "a pooling window of ", axes, " dimensions over ", sizes.size());
  Geometry g;
  g.planes = sizes[0] * sizes[1];
  Axis* const axis[] = {&g.t, &g.h, &g.w};
  int64_t places = 1;
  for (size_t i = 0; i < axes; ++i) {
    const int64_t kernel = shape.kernel[i];
    TORCH_CHECK(kernel % 2 == 1, "a pooling kernel of ", kernel, "; kernels are odd");
    *axis[3 - axes + i] = {sizes[2 + i], kernel, shape.stride[i]};
    places *= kernel;
  }
  TORCH_CHECK(places <= 256, "a pooling window of ", places, " places; at most 256 are allowed");
  return g;
}

std::vector<int64_t> OutputSizes(const Geometry& g, at::IntArrayRef sizes) {
  std::vector<int64_t> out = sizes.vec();
  if (sizes.size() == 5) out[2] = g.t.out();
  out[sizes.size() - 2] = g.h.out();
  out[sizes.size() - 1] = g.w.out();
  return out;
}

// One row of outputs. Places have the width of the values, so the loops vectorise.
template <typename T>
struct Row {
  using Place = std::conditional_t<sizeof(T) == 8, int64_t, int32_t>;

  std::vector<T> best;
  std::vector<Place> place;

  explicit Row(int64_t width) : best(width), place(width) {}

  void Begin(const Geometry& g, int64_t dt, int64_t dh) {
    std::fill(best.begin(), best.end(), -std::numeric_limits<T>::infinity());
    for (size_t o = 0; o < place.size(); ++o) {
      place[o] = static_cast<Place>(g.place(dt, dh, g.w.first(static_cast<int64_t>(o))));
    }
  }

  // Compares the value at place `code` in the windows of outputs [first, last), which is at
  // `in` + output * stride, with the best so far.
  void LookAt(const T* in, int64_t first, int64_t last, int64_t stride, Place code) {
    T* const values = best.data();
    Place* const places = place.data();
    const auto look = [&](int64_t o, T value) {
      const bool better = value > values[o] || value != value;
      values[o] = better ? value : values[o];
      places[o] = better ? code : places[o];
    };
    if (stride == 1) {
      for (int64_t o = first; o < last; ++o) look(o, in[o]);
    } else {
      for (int64_t o = first; o < last; ++o) look(o, in[o * stride]);
    }
  }
};

template <typename T>
void PoolPlane(const Geometry& g, const T* x, Row<T>& row, T* y, uint8_t* choice) {
  const int64_t width = g.w.out();
  for (int64_t ot = 0; ot < g.t.out(); ++ot) {
    for (int64_t oh = 0; oh < g.h.out(); ++oh) {
      row.Begin(g, g.t.first(ot), g.h.first(oh));
      for (int64_t dt = g.t.first(ot); dt < g.t.last(ot); ++dt) {
        for (int64_t dh = g.h.first(oh); dh < g.h.last(oh); ++dh) {
          const T* in = x + ((g.t.origin(ot) + dt) * g.h.in + g.h.origin(oh) + dh) * g.w.in;
          for (int64_t dw = 0; dw < g.w.kernel; ++dw) {
            // The outputs whose place dw lies inside the input: 0 <= o * stride + shift < in.
            const int64_t shift = dw - g.w.padding(), s = g.w.stride;
            const int64_t first = shift < 0 ? (-shift + s - 1) / s : 0;
            const int64_t last = shift < g.w.in ? std::min(width, (g.w.in - 1 - shift) / s + 1) : 0;
            row.LookAt(in + shift, first, last, s,
                       static_cast<typename Row<T>::Place>(g.place(dt, dh, dw)));
          }
        }
      }
      std::copy(row.best.begin(), row.best.end(), y);
      std::copy(row.place.begin(), row.place.end(), choice);
      y += width;
      choice += width;
    }
  }
}

// For each place in the window: the distance of its value from the window's origin.
std::vector<int64_t> DistancesOf(const Geometry& g) {
  std::vector<int64_t> distances;
  for (int64_t dt = 0; dt < g.t.kernel; ++dt) {
    for (int64_t dh = 0; dh < g.h.kernel; ++dh) {
      for (int64_t dw = 0; dw < g.w.kernel; ++dw) {
        distances.push_back((dt * g.h.in + dh) * g.w.in + dw);
      }
    }
  }
  return distances;
}

template <typename T>
void SpreadPlane(const Geometry& g, const std::vector<int64_t>& distances, const T* grad,
                 const uint8_t* choice, T* grad_x) {
  for (int64_t ot = 0; ot < g.t.out(); ++ot) {
    for (int64_t oh = 0; oh < g.h.out(); ++oh) {
      const int64_t row = (g.t.origin(ot) * g.h.in + g.h.origin(oh)) * g.w.in;
      for (int64_t ow = 0; ow < g.w.out(); ++ow, ++grad, ++choice) {
        grad_x[row + g.w.origin(ow) + distances[*choice]] += *grad;
      }
    }
  }
}

std::vector<int64_t> PaddingOf(const MaxPoolShape& shape) {
  std::vector<int64_t> padding;
  for (int64_t kernel : shape.kernel) padding.push_back(kernel / 2);
  return padding;
}

MaxPooled PoolByAten(const MaxPoolShape& shape, const at::Tensor& x) {
  const std::vector<int64_t> padding = PaddingOf(shape);
  auto [y, indices] = padding.size() == 2
                          ? at::max_pool2d_with_indices(x, shape.kernel, shape.stride, padding)
                          : at::max_pool3d_with_indices(x, shape.kernel, shape.stride, padding);
  return {std::move(y), PlacesOf(shape, x.sizes(), std::move(indices))};
}

// Where the window of each output begins in its plane, [outputs...] int64.
at::Tensor OriginsOf(const Geometry& g, size_t axes, const at::TensorOptions& options) {
  const auto along = [&](const Axis& axis) {
    return at::arange(axis.out(), options).mul_(axis.stride).sub_(axis.padding());
  };
  at::Tensor origins = along(g.h).mul_(g.w.in).unsqueeze(1).add(along(g.w));
  if (axes == 2) return origins;
  return along(g.t).mul_(g.h.in * g.w.in).view({-1, 1, 1}).add(origins);
}

// The distances of a window's places from its origin, in ascending order, on the device.
at::Tensor SortedDistances(const Geometry& g, const at::TensorOptions& options) {
  const at::Tensor rows = at::arange(g.h.kernel, options).mul_(g.w.in).unsqueeze(1);
  const at::Tensor frames = at::arange(g.t.kernel, options).mul_(g.h.in * g.w.in);
  const at::Tensor all = frames.view({-1, 1, 1}).add(rows.add(at::arange(g.w.kernel, options)));
  return std::get<0>(all.flatten().sort());
}

// ATen's backward in three dimensions adds in any order on CUDA, and fails if
// trainer.deterministic is on. This one adds in order, at the cost of one index per output.
at::Tensor SpreadInOrder(const Geometry& g, at::IntArrayRef sizes, const at::Tensor& grad,
                         const at::Tensor& indices) {
  const at::Tensor planes = at::arange(g.planes, indices.options()).mul_(g.in()).unsqueeze(1);
  at::Tensor grad_x = at::zeros({g.planes * g.in()}, grad.options());
  grad_x.index_put_({indices.reshape({g.planes, g.out()}).add(planes).flatten()}, grad.flatten(),
                    /*accumulate=*/true);
  return grad_x.view(sizes);
}

at::Tensor SpreadByAten(const MaxPoolShape& shape, at::IntArrayRef sizes, const at::Tensor& grad,
                        const at::Tensor& indices) {
  if (at::globalContext().deterministicAlgorithms()) {
    return SpreadInOrder(GeometryOf(shape, sizes), sizes, grad, indices);
  }
  const std::vector<int64_t> padding = PaddingOf(shape);
  const std::vector<int64_t> dilation(padding.size(), 1);
  const at::Tensor like_x = at::empty(sizes, grad.options());  // only its shape is read
  return padding.size() == 2
             ? at::max_pool2d_with_indices_backward(grad, like_x, shape.kernel, shape.stride,
                                                    padding, dilation, /*ceil_mode=*/false, indices)
             : at::max_pool3d_with_indices_backward(grad, like_x, shape.kernel, shape.stride,
                                                    padding, dilation, /*ceil_mode=*/false,
                                                    indices);
}

}  // namespace

// In a plane narrower than the window, two places may have one distance. Then both are the same
// element, and either stands for it.
at::Tensor PlacesOf(const MaxPoolShape& shape, at::IntArrayRef sizes, at::Tensor indices) {
  const Geometry g = GeometryOf(shape, sizes);
  indices.sub_(OriginsOf(g, shape.kernel.size(), indices.options()));
  return at::searchsorted(SortedDistances(g, indices.options()), indices, /*out_int32=*/true)
      .to(at::kByte);
}

at::Tensor IndicesOf(const MaxPoolShape& shape, at::IntArrayRef sizes, const at::Tensor& places) {
  const Geometry g = GeometryOf(shape, sizes);
  const at::TensorOptions options = places.options().dtype(at::kLong);
  return SortedDistances(g, options)
      .index_select(0, places.flatten().to(at::kInt))
      .view(places.sizes())
      .add_(OriginsOf(g, shape.kernel.size(), options));
}

MaxPooled MaxPoolForward(const MaxPoolShape& shape, const at::Tensor& x) {
  const Geometry g = GeometryOf(shape, x.sizes());
  if (!x.is_cpu()) return PoolByAten(shape, x);
  const at::Tensor input = x.contiguous();
  const std::vector<int64_t> sizes = OutputSizes(g, x.sizes());
  MaxPooled out{at::empty(sizes, x.options()), at::empty(sizes, x.options().dtype(at::kByte))};
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, x.scalar_type(), "max_pool", [&] {
    const scalar_t* from = input.const_data_ptr<scalar_t>();
    scalar_t* y = out.y.data_ptr<scalar_t>();
    uint8_t* choice = out.choice.data_ptr<uint8_t>();
    ForEachPiece(g.planes, g.in(), [&](int64_t p) {
      Row<scalar_t> row(g.w.out());
      PoolPlane(g, from + p * g.in(), row, y + p * g.out(), choice + p * g.out());
    });
  });
  return out;
}

at::Tensor MaxPoolBackward(const MaxPoolShape& shape, at::IntArrayRef sizes, const at::Tensor& grad,
                           const at::Tensor& choice) {
  if (choice.scalar_type() == at::kLong) return SpreadByAten(shape, sizes, grad, choice);
  if (!choice.is_cpu()) {
    return SpreadByAten(shape, sizes, grad, IndicesOf(shape, sizes, choice));
  }
  const Geometry g = GeometryOf(shape, sizes);
  const at::Tensor grad_y = grad.contiguous();
  const std::vector<int64_t> distances = DistancesOf(g);
  at::Tensor grad_x = at::zeros(sizes, grad.options());
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, grad.scalar_type(), "max_pool", [&] {
    const scalar_t* from = grad_y.const_data_ptr<scalar_t>();
    const uint8_t* places = choice.const_data_ptr<uint8_t>();
    scalar_t* to = grad_x.data_ptr<scalar_t>();
    ForEachPiece(g.planes, g.in(), [&](int64_t p) {
      SpreadPlane(g, distances, from + p * g.out(), places + p * g.out(), to + p * g.in());
    });
  });
  return grad_x;
}

}  // namespace slimreel
