#include "training/paced_job.h"

#include <algorithm>

#include "memory/rank_parameters.h"
#include "moe/context_parallel.h"
#include "moe/stage_layers.h"

namespace mixnet {
namespace {

/// A span of `place` that has its part and times.
TimelineSpan span_of(const WorkPlace& place, TimelineTrack track, TimelinePart part, Time start,
                     Time end) {
  TimelineSpan span;
  span.track = track;
  span.part = part;
  span.is_backward = place.is_backward;
  span.start = start;
  span.end = end;
  return span;
}

}  // namespace

PacedJob::PacedJob(const JobSetup& job, const JobPhases& phases, FabricKind fabric,
                   Bandwidth nic_rate, double compute_scale)
    : job_(job),
      phases_(phases),
      fabric_(*std::ranges::find(phases.fabrics, fabric, &FabricPhases::kind)),
      nic_rate_(nic_rate),
      compute_scale_(compute_scale),
      again_(job.model, job.plan, memory_options(job.options),
             compute_rates(job.gpu, job.options.compute.precision)),
      dense_layer_(common_times(false)),
      moe_layer_(common_times(true)) {}

OperationTime PacedJob::compute(OperationTime time) const {
  if (compute_scale_ == 1) return time;
  return {scaled(time.forward, compute_scale_), scaled(time.backward, compute_scale_)};
}

/// Of one GPU, in bytes a second.
double PacedJob::scale_up_rate() const {
  const double share = job_.options.scale_up_share;
  if (!fabric_.gpu_bandwidth) return job_.gpu.scale_up_bytes_per_second * share;
  const GpuBandwidth& gpu = *fabric_.gpu_bandwidth;
  return gpu.scale_up.bytes_per_second() * share * nic_rate_.bytes_per_second() /
         gpu.ethernet.bytes_per_second();
}

/// All-gather or reduce-scatter of `bytes` over a group of `tp` GPUs, that of the plan, or of its
/// experts.
Time PacedJob::tp_phase(double bytes, int tp) const {
  if (tp == 1 || fabric_.kind == FabricKind::kIdeal) return Time::zero();
  if (fabric_.tensor_gather) {
    const double gigabytes = bytes * 1e-9;
    PhaseTime nics = fabric_.tensor_gather->nics;
    nics.transfer = scaled(nics.transfer, gigabytes);  // of which propagation is no part
    const auto inside = static_cast<double>(fabric_.tensor_gather->inside.count) * gigabytes;
    return std::max(nics.at(nic_rate_), Time::from_seconds(inside / scale_up_rate()));
  }
  return Time::from_seconds(bytes * (tp - 1) / tp / scale_up_rate());
}

/// One exchange of the GPUs that share out a sequence. What goes between servers and inside them
/// goes at once.
Time PacedJob::context_phase() const {
  if (job_.plan.cp == 1 || fabric_.kind == FabricKind::kIdeal) return Time::zero();
  if (fabric_.context) {
    return std::max(fabric_.context->nics.at(nic_rate_),
                    scale_up_time(fabric_.context->inside.count));
  }
  return scale_up_time(context_bytes_inside(job_.model, job_.plan, 0));
}

/// What one all-to-all, or the gradients, take inside servers.
Time PacedJob::scale_up_time(std::int64_t bytes) const {
  return Time::from_seconds(static_cast<double>(bytes) / scale_up_rate());
}

/// What takes `time` in bf16, dispatched.
Time PacedJob::narrow(Time time) const {
  const double share = dispatch_share(job_.options.network.dispatch);
  return share == 1 ? time : scaled(time, share);
}

Time PacedJob::with_scale_up(Time network, Time inside) const {
  if (network == Time::max()) return network;
  return job_.options.pipelined_ep_steps ? std::max(network, inside) : network + inside;
}

/// The all-to-alls of one layer with what one takes `inside` servers, at one speed.
SwitchedExchange PacedJob::switched_exchange(const ExchangeTimes& exchange, Time inside) const {
  const Time inside_dispatch = narrow(inside);
  const auto there = [&](const PhaseTime& phase) {
    return with_scale_up(phase.at(nic_rate_), inside_dispatch);
  };
  const auto back = [&](const PhaseTime& phase) {
    return with_scale_up(phase.at(nic_rate_), inside);
  };
  SwitchedExchange switched;
  switched.dispatch = there(exchange.dispatch);
  switched.combine = back(exchange.combine);
  if (!exchange.switched) return switched;
  switched.present_dispatch = there(exchange.present_dispatch);
  switched.present_combine = back(exchange.present_combine);
  switched.moving_dispatch = there(exchange.moving_dispatch);
  switched.changes = exchange.circuits_change;
  switched.predicted_dispatch = there(exchange.predicted_dispatch);
  switched.predicted_combine = back(exchange.predicted_combine);
  return switched;
}

/// The same as a controller expects them, and what is known before the gate has run.
SwitchedExchange PacedJob::expected_exchange(std::size_t place, const ExchangeTimes& exchange,
                                             Time inside) const {
  SwitchedExchange expected = exchange.expected_at(nic_rate_);
  for (Time* there : {&expected.dispatch, &expected.present_dispatch, &expected.moving_dispatch,
                      &expected.predicted_dispatch}) {
    *there = with_scale_up(*there, narrow(inside));
  }
  for (Time* back : {&expected.combine, &expected.present_combine, &expected.predicted_combine}) {
    *back = with_scale_up(*back, inside);
  }
  expected.changes = exchange.circuits_change;
  if (phases_.forecasts.empty()) return expected;
  const DemandForecast& forecast = phases_.forecasts[place];
  const Time both_inside = scale_up_time(forecast.scale_up_bytes);
  const Time forecast_inside = (narrow(both_inside) + both_inside) / 2;
  const auto over = [&](const PhaseTime& phase) {
    return with_scale_up(phase.at(nic_rate_), forecast_inside);
  };
  expected.forecast = {
      over(exchange.expected_predicted), over(exchange.expected_present),
      scaled(job_.compute.experts(forecast.busiest_rank_tokens).forward, compute_scale_),
      exchange.predicted_is_present};
  return expected;
}

/// What every MoE layer, or every dense one, has in common.
LayerTimes PacedJob::common_times(bool is_moe) const {
  const double sequence_bytes =
      kBytesPerNumber * job_.model.hidden *
      static_cast<double>(job_.plan.tokens_per_micro_batch() / job_.plan.cp);
  LayerTimes times;
  times.is_moe = is_moe;
  times.backward_tp_phases = job_.options.sequence_parallel ? 3 : 2;
  times.runs_again = job_.options.recompute == Recompute::kFull;
  times.attention = compute(job_.compute.time(LayerOperation::kAttention));
  times.attention.backward += scaled(again_.attention(), compute_scale_);
  times.attention_tp = tp_phase(sequence_bytes, job_.plan.tp);
  times.context = context_phase();
  times.backward_contexts = backward_contexts(job_.plan);
  if (!is_moe) {
    times.dense_ffn = compute(job_.compute.time(LayerOperation::kDenseFfn));
    times.dense_ffn.backward += scaled(again_.dense_ffn(), compute_scale_);
    times.ffn_tp = times.attention_tp;
    return times;
  }
  times.gate = compute(job_.compute.time(LayerOperation::kGate));
  if (job_.model.shared_intermediate > 0) {
    times.shared_experts = compute(job_.compute.time(LayerOperation::kSharedExperts));
    times.shared_experts.backward += scaled(again_.shared_experts(), compute_scale_);
    times.shared_tp = times.attention_tp;
  }
  return times;
}

LayerTimes PacedJob::layer_times(const WorkPlace& at, int layer) const {
  const int moe_layer = phases_.moe_index[layer];
  if (moe_layer < 0) return dense_layer_;
  LayerTimes times = moe_layer_;
  const std::int64_t busiest_tokens =
      phases_.busiest_rank_tokens[phases_.place_index(at.replica, at.micro_batch, moe_layer)];
  times.experts = compute(job_.compute.experts(busiest_tokens));
  times.experts.backward += scaled(again_.experts(busiest_tokens), compute_scale_);
  times.ffn_tp = tp_phase(kBytesPerNumber * job_.model.hidden * static_cast<double>(busiest_tokens),
                          job_.plan.expert_tp());
  if (fabric_.kind != FabricKind::kIdeal) add_exchange(at, moe_layer, times);
  return times;
}

/// The all-to-alls of an MoE layer, whose computation `times` has.
void PacedJob::add_exchange(const WorkPlace& at, int moe_layer, LayerTimes& times) const {
  const std::size_t place = phases_.place_index(at.replica, at.micro_batch, moe_layer);
  const std::size_t index =
      phases_.exchange_index(fabric_, at.stage, at.replica, at.micro_batch, moe_layer);
  const ExchangeTimes& exchange = fabric_.exchanges[index];
  times.exchange = &exchange;
  times.nic_rate = nic_rate_;
  times.scale_up = scale_up_time(fabric_.scale_up_bytes[index]);
  times.dispatch_scale_up = narrow(times.scale_up);
  times.pipelined_steps = job_.options.pipelined_ep_steps;
  times.all_to_alls = switched_exchange(exchange, times.scale_up);
  const SwitchedExchange& all = times.all_to_alls;
  if (!exchange.switched) {
    times.forward.exchange = times.backward.exchange = all.dispatch + all.combine;
    return;
  }
  const Reconfiguration policy = job_.options.reconfiguration;
  const OperationTime attention = job_.compute.time(LayerOperation::kAttention);
  const OperationTime experts = job_.compute.experts(phases_.busiest_rank_tokens[place]);
  times.delay = job_.options.switching();
  const Time hiding = scaled(attention.backward + experts.backward, compute_scale_);
  // The policy decides by what is expected; what it costs is what the network takes.
  const SwitchedExchange expected = expected_exchange(place, exchange, times.scale_up);
  const SwitchMoves forward =
      forward_cost(policy, times.delay, expected, times.attention.forward, times.experts.forward)
          .moves;
  const SwitchMoves backward = backward_cost(policy, times.delay, expected, hiding).moves;
  times.forward =
      cost_of(forward, times.delay, all, times.attention.forward, times.experts.forward);
  times.backward = cost_of_backward(backward, times.delay, all, hiding);
}

/// Once, and again for each multi-token-prediction layer, with its projection from 2 hidden to
/// hidden, which is taken to run at the head's pace.
OperationTime PacedJob::head() const {
  const OperationTime once = compute(job_.compute.time(LayerOperation::kHead));
  const Model& model = job_.model;
  if (model.mtp_layers == 0) return once;
  const double times = 1 + model.mtp_layers * (1 + 2.0 * model.hidden / model.vocab);
  return {scaled(once.forward, times), scaled(once.backward, times)};
}

StageTimes PacedJob::stage_times(const WorkPlace& place) const {
  StageTimes sum;
  const auto [first, end] = chunk_layers(job_.model, job_.plan, place.stage, place.chunk);
  for (int layer = first; layer < end; ++layer) {
    const LayerTimes times = layer_times(place, layer);
    sum.forward.add(times.sums(false));
    sum.backward.add(times.sums(true));
    if (times.exchange == nullptr) continue;
    const Time busy = PhaseTime{times.exchange->shared_nics_busy, Time::zero()}.at(nic_rate_);
    sum.shared_nics_busy += times.runs_again ? busy * 2 : busy;
  }
  if (place.stage == job_.plan.pp - 1 && place.chunk == job_.plan.vpp - 1) {
    sum.forward.compute += head().forward;
    sum.backward.compute += head().backward;
  }
  add_shards(place, sum);
  return sum;
}

/// With ZeRO-3 each pass gathers the stage's parameters, with ZeRO-2 and 3 each backward scatters
/// its gradients (the last one's are gradient_time()'s): layer by layer, beneath the pass as far as
/// NICs are free and overlap is asked for.
void PacedJob::add_shards(const WorkPlace& place, StageTimes& times) const {
  const int zero = job_.options.zero;
  if (zero < 2) return;
  // A chunk has a vpp-th of its stage.
  const Time half = all_reduce_time(place.stage) / (2 * job_.plan.vpp);
  const Time gather =
      zero < 3 ? Time::zero() : half * kBytesPerNumber / job_.options.gradient_bytes;
  const bool is_last = place.micro_batch + 1 == job_.plan.micro_batches();
  const auto exposed = [&](Time length, const PassSums& pass) {
    if (!job_.options.overlap_dp) return length;
    const Time hides = std::max(Time::zero(), pass.total() - times.shared_nics_busy);
    return std::max(Time::zero(), length - hides);
  };
  times.forward.dp = exposed(gather, times.forward);
  times.shards_busy = gather + (is_last ? Time::zero() : half);
  times.backward.dp = exposed(times.shards_busy, times.backward);
}

std::vector<Time> PacedJob::send_times() const {
  std::vector<Time> times;
  for (std::size_t i = 0; i < fabric_.sends.size(); ++i) {
    times.push_back(
        std::max(fabric_.sends[i].at(nic_rate_), scale_up_time(fabric_.sends_inside[i].count)));
  }
  return times;
}

Time PacedJob::gradient_time(int stage) const {
  const Time whole = all_reduce_time(stage);
  if (job_.options.zero == 0) return whole;
  const Time scatter = whole / 2;
  if (job_.options.zero == 3) return scatter;
  return scatter + (whole - scatter) * kBytesPerNumber / job_.options.gradient_bytes;
}

/// Of all of a stage's gradients: half of it scatters the sums, half gathers them.
Time PacedJob::all_reduce_time(int stage) const {
  if (fabric_.kind == FabricKind::kIdeal) return Time::zero();
  const GradientTimes& gradient = fabric_.gradients[stage];
  return std::max(gradient.dense.at(nic_rate_) + gradient.expert.at(nic_rate_),
                  scale_up_time(gradient.scale_up.count));
}

Time PacedJob::optimizer_time() const {
  const Time whole = compute(job_.compute.time(LayerOperation::kOptimizer)).forward;
  const auto& measured = job_.options.compute.profile.measured;
  const bool is_measured =
      measured[static_cast<std::size_t>(LayerOperation::kOptimizer)].has_value();
  if (job_.options.zero == 0 || is_measured) return whole;
  std::int64_t all = 1;
  std::int64_t own = 0;
  for (int stage = 0; stage < job_.plan.pp; ++stage) {
    const RankParameters parameters = stage_on_rank(job_.model, job_.plan, stage);
    all = std::max(all, parameters.sum());
    own = std::max(own, share_of_copy(parameters, job_.plan));
  }
  return scaled(whole, static_cast<double>(own) / static_cast<double>(all));
}

std::vector<TimelineSpan> PacedJob::plan_work(const WorkPlace& place) const {
  std::vector<TimelineSpan> spans;
  Time now = Time::zero();
  const auto pass = [&](int layer) {
    const std::size_t begin = spans.size();
    const Time end = lay_out(layer_times(place, layer), place.is_backward, now, spans);
    spans.push_back(span_of(place, TimelineTrack::kWork, TimelinePart::kLayer, now, end));
    for (std::size_t i = begin; i < spans.size(); ++i) spans[i].layer = layer;
    now = end;
  };
  const auto run_head = [&] {
    if (place.stage + 1 < job_.plan.pp || place.chunk + 1 < job_.plan.vpp) return;
    const OperationTime time = head();
    const Time end = now + (place.is_backward ? time.backward : time.forward);
    spans.push_back(span_of(place, TimelineTrack::kCompute, TimelinePart::kHead, now, end));
    now = end;
  };
  const auto [first, end] = chunk_layers(job_.model, job_.plan, place.stage, place.chunk);
  if (place.is_backward) {
    run_head();
    for (int layer = end; layer-- > first;) pass(layer);
  } else {
    for (int layer = first; layer < end; ++layer) pass(layer);
    run_head();
  }
  if (job_.options.zero < 2) return spans;
  const StageTimes times = stage_times(place);
  const Time exposed = place.is_backward ? times.backward.dp : times.forward.dp;
  if (exposed > Time::zero()) {
    spans.push_back(
        span_of(place, TimelineTrack::kGradients, TimelinePart::kShards, now, now + exposed));
  }
  return spans;
}

}  // namespace mixnet
