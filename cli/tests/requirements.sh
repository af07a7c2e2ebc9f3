#> User Story
prism launch python-ml my-research
prism save my-research my-custom-ml-env
prism launch my-custom-ml-env new-project
prism template share my-custom-ml-env

#> 1. CLI Command
prism save my-instance my-template \
  --description "Description of custom template" \
  --region us-west-2 \
  --public \
  --project my-project

#> 5. Template Usage Integration
# Use saved template like any other
prism launch my-custom-ml-env new-research --size L
prism templates                           # Shows custom templates
prism template info my-custom-ml-env      # Shows template details

#> 6. Project Integration
# Associate saved template with project
prism save my-instance my-template --project brain-imaging-study

# List project templates
prism project templates brain-imaging-study

# Share project template with team members
prism project share-template brain-imaging-study my-template

#> Workflow 1: Individual Environment Preservation
# Start with base template
prism launch python-ml earthquake-analysis

# Researcher customizes over several days:
# - Installs specific seismic analysis packages
# - Configures Jupyter with custom kernels
# - Adds research datasets
# - Optimizes performance settings

# Save the customized environment
prism save earthquake-analysis seismic-ml-environment \
  --description "ML environment optimized for seismic data analysis"

# Launch new projects from saved environment
prism launch seismic-ml-environment aftershock-prediction --size GPU-L

#> Workflow 2: Team Environment Sharing
# Lead researcher creates and saves custom environment
prism save my-genomics-work team-genomics-env --public \
  --description "Genomics pipeline with BWA, GATK, and R Bioconductor"

# Team members use the shared environment
prism launch team-genomics-env variant-calling
prism launch team-genomics-env population-analysis

#> Workflow 3: Course Environment Distribution
# Professor creates course environment
prism save ml-course-prep cs229-environment \
  --description "Stanford CS229 Machine Learning Course Environment"

# Students launch identical environments
prism launch cs229-environment assignment-1
prism launch cs229-environment final-project
