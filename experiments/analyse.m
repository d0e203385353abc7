% Mean test accuracy by rule, and one run's angles to backprop: how to read Strata's files in Octave.
%
% usage: octave-cli analyse.m FOLDER       Debian: apt-get install octave octave-netcdf
%
% In MATLAB, h5read(file, "/rule") gives strings too. octave-netcdf 1.0.16 reads numbers alone: names are taken from
% summary.csv, whose rows are in the order of summary.h5.
folder = argv(){end};
if ~exist(fullfile(folder, "summary.h5"), "file"), error("%s: expected a folder with summary.h5", folder); end
pkg load netcdf

rows = strsplit(strtrim(fileread(fullfile(folder, "summary.csv"))), "\n")(2:end);
fields = cellfun(@(row) strsplit(row, ","), rows, "UniformOutput", false);
rules = unique(cellfun(@(f) f{1}, fields, "UniformOutput", false), "stable");
networks = unique(cellfun(@(f) f{2}, fields, "UniformOutput", false), "stable");

% Axes are the other way round: what Python sees as rule x network x seed is seed x network x rule here.
accuracy = ncread(fullfile(folder, "summary.h5"), "test_accuracy");
assert([size(accuracy, 2), size(accuracy, 3)], [numel(networks), numel(rules)]);
for n = 1:numel(networks)
  for r = 1:numel(rules)
    seeds = accuracy(:, n, r);
    printf("%s %s %.4f\n", networks{n}, rules{r}, mean(seeds(~isnan(seeds))));
  end
end

% One run, whose variables lie in groups: a row a layer, a column an epoch.
run = fullfile(folder, fields{1}{end});
file = netcdf_open(run, "NC_NOWRITE");
layers = netcdf_inqNcid(file, "layers");
angles = netcdf_getVar(layers, netcdf_inqVarID(layers, "angle_to_backprop"));
netcdf_close(file);
printf("%s\n", run);
disp(angles);
