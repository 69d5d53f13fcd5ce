#pragma once

#include "vecmill/encode/kernels/kernels.h"

namespace vecmill::encode {

/// How many times as fast as in f32 these kernels take a product in bf16, on one thread. Takes a
/// tenth of a second at most, of slow code three products.
double bf16_speed(const Kernels& kernels);

}  // namespace vecmill::encode
