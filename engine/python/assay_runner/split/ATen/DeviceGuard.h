// SPDX-License-Identifier: Apache-2.0
// Operators include it and use nothing of it; lists of tensors need the interpreter's values.
#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/DeviceGuard.h>
