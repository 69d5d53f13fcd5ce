// The tile of the AVX-512 file over plain arrays, so that its shape is tested on every processor.
#define VECMILL_WIDE_TILE
#include "vecmill/encode/kernels/portable.cc"
