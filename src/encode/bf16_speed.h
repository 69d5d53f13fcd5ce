#pragma once

#include "vecmill/encode/kernels/kernels.h"

namespace vecmill::encode {

/// How many times as fast as in f32 these kernels take a product in bf16, on one thread. Takes some
/// milliseconds, of portable code a second.
double bf16_speed(const Kernels& kernels);

}  // namespace vecmill::encode
