// What rules do to whole columns: a column is what one example has at a node.
#pragma once

#include "framework/core/types.hpp"

namespace strata::rules {

/// n(x)_b = r·(x_b − c_b)/‖x_b − c_b‖ for each column b: a norm of `radius` r, c_b the column's mean if `centred` and 0
/// otherwise. A column without length gives 0.
void normalise_columns(View x, bool centred, Scalar radius, MutView out);

/// d = ∂/∂n becomes ∂/∂x: with u = n/r and C what takes the mean off (or nothing), C (I − u uᵀ) d · r/‖x − c‖; 0 for a
/// column without length.
void pull_back_normalised(View x, bool centred, Scalar radius, MutView d);

/// z(c, b): the standard deviation, over n − 1, of the n numbers of channel c in column b of x, whose rows are z.rows()
/// channels one after the other. n ≥ 2.
void channel_deviations(View x, MutView z);

/// dx = (∂z/∂x)ᵀ dz with z = channel_deviations(x); 0 where a channel does not vary.
void pull_back_deviations(View x, View z, View dz, MutView dx);

}  // namespace strata::rules
