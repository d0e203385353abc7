// A non-owning reference to a callable: no allocation, unlike std::function. May be empty.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace strata {

template <class Signature> class FunctionRef;

/// Valid as long as the callable it was made from: meant for parameters, to be bound to lambdas at the call.
template <class Result, class... Args> class FunctionRef<Result(Args...)> {
 public:
  FunctionRef() = default;
  template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, FunctionRef>>>
  FunctionRef(const F& f)  // NOLINT(google-explicit-constructor): meant to bind lambdas at the call
      : object_(std::addressof(f)), call_([](const void* object, Args... args) -> Result {
          return (*static_cast<const F*>(object))(std::forward<Args>(args)...);
        }) {}

  Result operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }
  explicit operator bool() const { return call_ != nullptr; }

 private:
  const void* object_ = nullptr;
  Result (*call_)(const void*, Args...) = nullptr;
};

}  // namespace strata
