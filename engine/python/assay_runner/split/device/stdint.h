// SPDX-License-Identifier: Apache-2.0
// For NVRTC: assay_split_device.h has what device code uses of it.
#pragma once
