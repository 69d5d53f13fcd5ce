#pragma once

#include <functional>
#include <memory>

#include "vecmill/provider.h"
#include "vecmill/remote/dispatcher.h"
#include "vecmill/remote/remote_api.h"
#include "vecmill/remote/shared_state.h"
#include "vecmill/remote/spending.h"

namespace vecmill::remote {

/// What a model is, for options; with the role, as far as the API tells roles apart.
using Describe = std::function<Capabilities(const EmbedOptions&)>;

/// What a provider can do without.
struct GuardedExtras {
  std::shared_ptr<Spending> spending = {};   ///< grants each request; null: nobody is asked
  CountTokens count = {};                    ///< null: tokens are estimated
  std::shared_ptr<SharedState> shared = {};  ///< with other processes; null: nothing is shared
};

/// A model behind an API as a provider: all calls share its limits, batches, breaker and retries
/// (Dispatcher). A call may hold any number of texts and waits for the last of them; while a limit
/// or a failing server makes it wait, it sleeps. With a counter, a text of more tokens than the
/// model takes is cut (fit_text) or fails without being sent, as EmbedOptions::truncate says;
/// without one it is sent whole, and fails alone where the API refuses it. Each reply goes to
/// EmbedOptions::keep, then its payment is settled, then it is handed out: one after the other, on
/// a thread of the provider's own.
///   errors  of a text: kInvalidData (not UTF-8, empty where the API takes no empty text, refused),
///           kTooLong, kAuth, kLimited, kUnavailable, kInvalidArgument (model or settings),
///           those of Spending
///   errors  of making it: kInvalidArgument: a limit that lets nothing through
Result<std::unique_ptr<Provider>> make_guarded_provider(std::unique_ptr<RemoteApi> api,
                                                        const DispatcherOptions& options,
                                                        Describe describe,
                                                        GuardedExtras extras = {});

}  // namespace vecmill::remote
