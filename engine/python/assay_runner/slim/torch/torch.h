// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <assay_slim_torch.h>
