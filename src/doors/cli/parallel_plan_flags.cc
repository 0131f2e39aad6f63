#include "cli/parallel_plan_flags.h"

#include "moe/model_catalog.h"

namespace mixnet::cli {

PlanRequest ParallelPlanFlags::request(int gpus_per_server_default) const {
  PlanRequest request;
  request.gpus = gpus;
  request.gpus_per_server = gpus_per_server.value_or(gpus_per_server_default);
  request.tp = tp;
  request.cp = cp;
  request.cp_comm = parse<CpComm>(cp_comm, "--cp-comm-type");
  request.pp = pp;
  request.vpp = vpp;
  request.ep = ep;
  request.etp = etp;
  request.micro_batch_size = micro_batch_size;
  request.global_batch_size = global_batch_size;
  request.seq_length = seq_length;
  return request;
}

Model ParallelPlanFlags::model(const std::string& name) const {
  const Model model = find_model(name);
  return with_mtp(model, mtp.value_or(model.published_mtp_layers));
}

void add_parallel_plan_flags(CLI::App& command, ParallelPlanFlags& flags) {
  const std::string group = "Parallel plan (what is left out comes from the model)";
  command.add_option("--gpus", flags.gpus, "GPUs, that is tp x cp x pp x dp")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--gpus-per-server", flags.gpus_per_server,
                  "GPUs on one scale-up switch (default: 8; 64 where --fabric names nvl72 or\n"
                  "mixnet-optical-io); of over 8, the part that the plan fills is used")
      ->group(group);
  command.add_option("--tp,--tensor-model-parallel-size", flags.tp, "Tensor-parallel size")
      ->group(group);
  command
      .add_option("--cp,--context-parallel-size", flags.cp,
                  "Context-parallel size: GPUs that share out a sequence (default: 1)")
      ->group(group);
  command
      .add_option(
          "--cp-comm-type", flags.cp_comm,
          "What these exchange: p2p (keys and values, round a ring), all_gather (the same,\n"
          "gathered) or a2a (Ulysses: tokens against heads)")
      ->capture_default_str()
      ->group(group);
  command.add_option("--pp,--pipeline-model-parallel-size", flags.pp, "Pipeline stages")
      ->group(group);
  command
      .add_option("--vpp,--num-virtual-stages-per-pipeline-rank", flags.vpp,
                  "Virtual stages of a pipeline stage: interleaved 1F1B (default: 1)")
      ->group(group);
  command
      .add_option("--ep,--expert-model-parallel-size", flags.ep,
                  "Expert-parallel size; divides the experts, and with etp the GPUs of a stage")
      ->group(group);
  command
      .add_option(
          "--etp,--expert-tensor-parallel-size", flags.etp,
          "Tensor-parallel size of experts, whose groups of ep x etp GPUs may lie over tp,\n"
          "cp and dp (default: as tp)")
      ->group(group);
  command
      .add_option(
          "--mtp,--mtp-num-layers", flags.mtp,
          "Multi-token-prediction layers trained with it, on the last stage (default: the\n"
          "config's num_nextn_predict_layers: 1 of DeepSeek-V3; none in task graphs and traces)")
      ->group(group);
  command
      .add_option("--micro-batch-size", flags.micro_batch_size,
                  "Sequences of a micro-batch, per replica")
      ->group(group);
  command
      .add_option("--global-batch-size", flags.global_batch_size,
                  "Sequences of an iteration, all replicas together")
      ->group(group);
  command.add_option("--seq-length", flags.seq_length, "Tokens of a sequence")->group(group);
}

}  // namespace mixnet::cli
